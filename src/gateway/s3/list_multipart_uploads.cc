#include "gateway/s3/acl_request.h"
#include "gateway/s3/listing.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> list_multipart_uploads(S3Call& call) {
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-uploads"));
  S3_TRY(require_bucket(call));
  const std::string_view key_marker = call.parameter("key-marker");
  const std::string_view id_marker = call.parameter("upload-id-marker");
  UploadPage page;
  if (parameters.entries_max > 0) {
    auto found = call.service.objects.uploads(call.bucket, parameters.prefix, parameters.delimiter,
                                              key_marker, id_marker, parameters.entries_max);
    if (!found) return s3_fail(call.failure(found.error(), Subject::Bucket));
    page = std::move(*found);
  }
  XmlWriter xml;
  xml.open_document("ListMultipartUploadsResult");
  xml.element("Bucket", call.bucket);
  xml.element("KeyMarker", listed_name(parameters, key_marker));
  xml.element("UploadIdMarker", id_marker);
  if (page.truncated) {
    xml.element("NextKeyMarker", listed_name(parameters, page.next_key));
    xml.element("NextUploadIdMarker", page.next_upload_id);
  }
  write_listing_head(parameters, "MaxUploads", xml);
  xml.flag("IsTruncated", page.truncated);
  for (const UploadInfo& upload : page.uploads) {
    xml.open("Upload");
    xml.element("Key", listed_name(parameters, upload.key));
    xml.element("UploadId", upload.upload_id);
    const std::string owner = upload_owner(call, upload.metadata);
    const auto named = upload.metadata.properties.find(property::kInitiator);
    const bool other = named != upload.metadata.properties.end();
    write_owner(call, "Initiator", other ? named->second : owner, xml);
    write_owner(call, "Owner", owner, xml);
    xml.element("StorageClass", "STANDARD");
    xml.element("Initiated", iso_date(upload.initiated));
    xml.close("Upload");
  }
  write_common_prefixes(parameters, page.common_prefixes, xml);
  xml.close("ListMultipartUploadsResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListMultipartUploads{.name = "ListMultipartUploads",
                                      .action = "s3:ListBucketMultipartUploads",
                                      .acl = AclPermission::Read,
                                      .run = list_multipart_uploads};

}  // namespace coffer::gateway
