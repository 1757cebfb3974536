/// ListObjectVersions of a bucket without versioning: each object is its own version "null".

#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/listing.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> list_object_versions(S3Call& call) {
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-keys"));
  const std::string_view marker = call.parameter("key-marker");
  S3_ASSIGN(const ListPage page, list_page(call, parameters, marker));
  XmlWriter xml;
  xml.open_document("ListVersionsResult");
  xml.element("Name", call.bucket);
  write_listing_head(parameters, "MaxKeys", xml);
  xml.element("KeyMarker", listed_name(parameters, marker));
  xml.element("VersionIdMarker", call.parameter("version-id-marker"));
  xml.flag("IsTruncated", page.truncated);
  if (page.truncated) {
    xml.element("NextKeyMarker", listed_name(parameters, page.next));
    xml.element("NextVersionIdMarker", "null");
  }
  for (const ObjectInfo& object : page.objects) {
    xml.open("Version");
    xml.element("Key", listed_name(parameters, object.key));
    xml.element("VersionId", "null");
    xml.flag("IsLatest", true);
    xml.element("LastModified", iso_date(object.modified));
    xml.element("ETag", quoted_etag(object.etag));
    xml.element("Size", object.size);
    write_owner(call, "Owner", owner_of(call, object), xml);
    xml.element("StorageClass", "STANDARD");
    xml.close("Version");
  }
  write_common_prefixes(parameters, page.common_prefixes, xml);
  xml.close("ListVersionsResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListObjectVersions{.name = "ListObjectVersions",
                                    .action = "s3:ListBucketVersions",
                                    .acl = AclPermission::Read,
                                    .run = list_object_versions};

}  // namespace coffer::gateway
