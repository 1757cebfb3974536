/// ListObjectVersions. Without versioning each object is its own version "null".

#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/listing.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

void write_entry(const S3Call& call, const ListingParameters& parameters, const VersionEntry& entry,
                 XmlWriter& xml) {
  const std::string_view element = entry.marker ? "DeleteMarker" : "Version";
  const ObjectInfo& object = entry.info;
  xml.open(element);
  xml.element("Key", listed_name(parameters, object.key));
  xml.element("VersionId", object.version);
  xml.flag("IsLatest", entry.latest);
  xml.element("LastModified", iso_date(object.modified));
  if (!entry.marker) {
    xml.element("ETag", quoted_etag(object.etag));
    xml.element("Size", object.size);
  }
  write_owner(call, "Owner", owner_of(call, object), xml);
  if (!entry.marker) xml.element("StorageClass", "STANDARD");
  xml.close(element);
}

S3Result<VersionPage> version_page(const S3Call& call, const ListingParameters& parameters) {
  if (parameters.entries_max == 0) {
    S3_TRY(require_bucket(call));
    return VersionPage{};
  }
  VersionListRequest request;
  request.prefix = parameters.prefix;
  request.delimiter = parameters.delimiter;
  request.key_marker = std::string(call.parameter("key-marker"));
  request.version_marker = std::string(call.parameter("version-id-marker"));
  request.max_entries = parameters.entries_max;
  if (!request.version_marker.empty() && request.key_marker.empty()) {
    return s3_fail(S3Code::InvalidArgument,
                   "A version-id marker cannot be specified without a key marker.");
  }
  auto page = call.service.objects.list_versions(call.bucket, request);
  if (!page) return s3_fail(call.failure(page.error(), Subject::Bucket));
  return std::move(*page);
}

S3Result<Reply> list_object_versions(S3Call& call) {
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-keys"));
  S3_ASSIGN(const VersionPage page, version_page(call, parameters));
  XmlWriter xml;
  xml.open_document("ListVersionsResult");
  xml.element("Name", call.bucket);
  write_listing_head(parameters, "MaxKeys", xml);
  xml.element("KeyMarker", listed_name(parameters, call.parameter("key-marker")));
  xml.element("VersionIdMarker", call.parameter("version-id-marker"));
  xml.flag("IsTruncated", page.truncated);
  if (page.truncated) {
    xml.element("NextKeyMarker", listed_name(parameters, page.next_key));
    if (!page.next_version.empty()) xml.element("NextVersionIdMarker", page.next_version);
  }
  for (const VersionEntry& entry : page.entries) write_entry(call, parameters, entry, xml);
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
