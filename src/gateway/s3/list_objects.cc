/// ListObjects, version 1 and 2.

#include "gateway/auth/digest.h"
#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/listing.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

enum class Owner { Show, Hide };

void write_objects(const S3Call& call, const ListingParameters& parameters, const ListPage& page,
                   Owner owner, XmlWriter& xml) {
  for (const ObjectInfo& object : page.objects) {
    xml.open("Contents");
    xml.element("Key", listed_name(parameters, object.key));
    xml.element("LastModified", iso_date(object.modified));
    xml.element("ETag", quoted_etag(object.etag));
    xml.element("Size", object.size);
    if (owner == Owner::Show) write_owner(call, "Owner", owner_of(call, object), xml);
    xml.element("StorageClass", "STANDARD");
    xml.close("Contents");
  }
  write_common_prefixes(parameters, page.common_prefixes, xml);
}

S3Result<Reply> list_objects(S3Call& call) {
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-keys"));
  const std::string_view marker = call.parameter("marker");
  S3_ASSIGN(const ListPage page, list_page(call, parameters, marker));
  XmlWriter xml;
  xml.open_document("ListBucketResult");
  xml.element("Name", call.bucket);
  write_listing_head(parameters, "MaxKeys", xml);
  xml.element("Marker", listed_name(parameters, marker));
  xml.flag("IsTruncated", page.truncated);
  if (page.truncated && !parameters.delimiter.empty()) {
    xml.element("NextMarker", listed_name(parameters, page.next));
  }
  write_objects(call, parameters, page, Owner::Show, xml);
  xml.close("ListBucketResult");
  return xml_reply(std::move(xml));
}

/// Opaque to clients: the place behind which the next page starts.
std::string token_of(std::string_view next) { return "1" + to_hex(next); }

std::optional<std::string> from_token(std::string_view token) {
  if (!token.starts_with('1') || token.size() % 2 == 0) return std::nullopt;
  std::string escaped;
  for (std::size_t i = 1; i < token.size(); i += 2) escaped.append("%").append(token.substr(i, 2));
  return percent_decode(escaped, Plus::Literal);
}

S3Result<Reply> list_objects_v2(S3Call& call) {
  S3_ASSIGN(const ListingParameters parameters, listing_parameters(call, "max-keys"));
  const std::string_view start_after = call.parameter("start-after");
  std::string from(start_after);
  const auto token = call.query.find("continuation-token");
  if (token && !token->empty()) {
    const auto place = from_token(*token);
    if (!place)
      return s3_fail(S3Code::InvalidArgument, "The continuation token provided is incorrect");
    from = *place;
  }
  S3_ASSIGN(const ListPage page, list_page(call, parameters, from));
  XmlWriter xml;
  xml.open_document("ListBucketResult");
  xml.element("Name", call.bucket);
  write_listing_head(parameters, "MaxKeys", xml);
  xml.element("KeyCount", page.objects.size() + page.common_prefixes.size());
  xml.flag("IsTruncated", page.truncated);
  if (token) xml.element("ContinuationToken", *token);
  if (page.truncated) xml.element("NextContinuationToken", token_of(page.next));
  if (!start_after.empty()) xml.element("StartAfter", listed_name(parameters, start_after));
  const Owner owner = call.parameter("fetch-owner") == "true" ? Owner::Show : Owner::Hide;
  write_objects(call, parameters, page, owner, xml);
  xml.close("ListBucketResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListObjects{.name = "ListObjects",
                             .action = "s3:ListBucket",
                             .acl = AclPermission::Read,
                             .run = list_objects};
const Operation kListObjectsV2{.name = "ListObjectsV2",
                               .action = "s3:ListBucket",
                               .acl = AclPermission::Read,
                               .run = list_objects_v2};

}  // namespace coffer::gateway
