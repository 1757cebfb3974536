#include <algorithm>

#include "gateway/s3/acl_request.h"
#include "gateway/s3/checksum.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/listing.h"
#include "gateway/s3/number.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/upload_access.h"

namespace coffer::gateway {
namespace {

void write_part(const PartInfo& part, XmlWriter& xml) {
  xml.open("Part");
  xml.element("PartNumber", part.number);
  xml.element("LastModified", iso_date(part.modified));
  xml.element("ETag", quoted_etag(part.etag));
  xml.element("Size", part.size);
  for (const ChecksumKind kind : kChecksumKinds) {
    const auto found = part.checksums.find(std::string(lower_name(kind)));
    if (found != part.checksums.end()) xml.element(xml_name(kind), found->second);
  }
  xml.close("Part");
}

S3Result<Reply> list_parts(S3Call& call) {
  S3_ASSIGN(const UploadInfo upload, find_authorized_upload(call));
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-parts"));
  const std::string_view marker_text = call.parameter("part-number-marker");
  const auto marker = parse_number(marker_text.empty() ? "0" : marker_text);
  if (!marker) return s3_fail(S3Code::InvalidArgument);
  const std::string_view id = call.parameter("uploadId");
  const std::string owner = upload_owner(call, upload.metadata);
  const auto named = upload.metadata.properties.find(property::kInitiator);
  const std::string initiator = named == upload.metadata.properties.end() ? owner : named->second;
  auto stored = call.service.objects.parts(call.bucket, call.key, id);
  if (!stored) return s3_fail(call.failure(stored.error(), Subject::Upload));
  std::erase_if(*stored, [&](const PartInfo& part) { return part.number <= *marker; });
  std::sort(stored->begin(), stored->end(),
            [](const PartInfo& a, const PartInfo& b) { return a.number < b.number; });
  const bool truncated = stored->size() > parameters.entries_max;
  if (truncated) stored->resize(parameters.entries_max);

  XmlWriter xml;
  xml.open_document("ListPartsResult");
  xml.element("Bucket", call.bucket);
  xml.element("Key", listed_name(parameters, call.key));
  xml.element("UploadId", id);
  write_owner(call, "Initiator", initiator, xml);
  write_owner(call, "Owner", owner, xml);
  xml.element("StorageClass", "STANDARD");
  xml.element("PartNumberMarker", *marker);
  xml.element("NextPartNumberMarker", stored->empty() ? *marker : stored->back().number);
  xml.element("MaxParts", parameters.entries_max);
  xml.flag("IsTruncated", truncated);
  const bool sealed = upload.metadata.checksums.contains(kCustomerSeal);
  for (PartInfo& part : *stored) {
    // They are of the plaintext, which who lists need not have the key for.
    if (sealed) part.checksums.clear();
    write_part(part, xml);
  }
  xml.close("ListPartsResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListParts{.name = "ListParts",
                           .check = Operation::Check::Itself,
                           .action = "s3:ListMultipartUploadParts",
                           .run = list_parts};

}  // namespace coffer::gateway
