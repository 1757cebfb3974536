#include <algorithm>

#include "gateway/http/date.h"
#include "gateway/s3/checksum.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/number.h"
#include "gateway/s3/object_update.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

constexpr std::uint64_t kPartsMax = 1000;

struct Wanted {
  bool etag = false, checksum = false, parts = false, storage_class = false, size = false;
};

S3Result<Wanted> wanted_attributes(const S3Call& call) {
  Wanted wanted;
  bool any = false;
  for (const HeaderField& field : call.head.fields()) {
    if (field.name != "x-amz-object-attributes") continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      std::string_view item = rest.substr(0, comma);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      while (item.starts_with(' ')) item.remove_prefix(1);
      while (item.ends_with(' ')) item.remove_suffix(1);
      bool* const flag = item == "ETag"           ? &wanted.etag
                         : item == "Checksum"     ? &wanted.checksum
                         : item == "ObjectParts"  ? &wanted.parts
                         : item == "StorageClass" ? &wanted.storage_class
                         : item == "ObjectSize"   ? &wanted.size
                                                  : nullptr;
      if (flag == nullptr)
        return s3_fail(S3Code::InvalidArgument, "Invalid attribute name specified.");
      *flag = any = true;
    }
  }
  if (!any) {
    return s3_fail(S3Code::InvalidArgument,
                   "The x-amz-object-attributes header specifying the attributes to be retrieved "
                   "is either missing or empty");
  }
  return wanted;
}

void write_checksums(const std::map<std::string, std::string>& checksums, XmlWriter& xml) {
  for (const ChecksumKind kind : kChecksumKinds) {
    const auto found = checksums.find(std::string(lower_name(kind)));
    if (found != checksums.end()) xml.element(xml_name(kind), found->second);
  }
}

bool has_checksum(const std::map<std::string, std::string>& checksums) {
  return std::any_of(std::begin(kChecksumKinds), std::end(kChecksumKinds), [&](ChecksumKind kind) {
    return checksums.contains(std::string(lower_name(kind)));
  });
}

S3Result<void> write_parts(const S3Call& call, const ObjectInfo& info, XmlWriter& xml) {
  const auto marker = parse_number(call.head.value_or("x-amz-part-number-marker", "0"));
  const auto most = parse_number(call.head.value_or("x-amz-max-parts", "1000"));
  if (!marker || !most) return s3_fail(S3Code::InvalidArgument);
  const auto parts = call.service.objects.object_parts(info);
  if (!parts) return s3_fail(call.failure(parts.error(), Subject::Object));
  if (parts->empty()) return {};
  std::vector<const PartInfo*> shown;
  bool truncated = false;
  for (const PartInfo& part : *parts) {
    if (part.number <= *marker) continue;
    truncated = shown.size() == std::min(*most, kPartsMax);
    if (truncated) break;
    shown.push_back(&part);
  }
  xml.open("ObjectParts");
  xml.element("PartsCount", parts->size());
  xml.element("PartNumberMarker", *marker);
  if (truncated && !shown.empty()) xml.element("NextPartNumberMarker", shown.back()->number);
  xml.element("MaxParts", *most);
  xml.flag("IsTruncated", truncated);
  for (const PartInfo* part : shown) {
    xml.open("Part");
    xml.element("PartNumber", part->number);
    xml.element("Size", part->size);
    write_checksums(part->checksums, xml);
    xml.close("Part");
  }
  xml.close("ObjectParts");
  return {};
}

S3Result<Reply> get_object_attributes(S3Call& call) {
  S3_ASSIGN(const ObjectInfo info, find_authorized(call));
  if (!call.may_do("s3:GetObject", AclPermission::Read, &info))
    return s3_fail(S3Code::AccessDenied);
  S3_ASSIGN(const Wanted wanted, wanted_attributes(call));
  const auto& checksums = info.metadata.checksums;
  S3_TRY(CustomerKey::require(call, CustomerKey::Of::Object, checksums));
  XmlWriter xml;
  xml.open_document("GetObjectAttributesResponse");
  if (wanted.etag) xml.element("ETag", info.etag);
  if (wanted.checksum && has_checksum(checksums)) {
    xml.open("Checksum");
    write_checksums(checksums, xml);
    if (const auto type = checksums.find("type"); type != checksums.end())
      xml.element("ChecksumType", type->second);
    xml.close("Checksum");
  }
  if (wanted.parts) S3_TRY(write_parts(call, info, xml));
  if (wanted.storage_class) xml.element("StorageClass", "STANDARD");
  if (wanted.size) xml.element("ObjectSize", info.size);
  xml.close("GetObjectAttributesResponse");
  Reply reply = xml_reply(std::move(xml));
  reply.add("Last-Modified", format_http_date(info.modified.seconds));
  add_version_header(call, info.version, reply);
  return reply;
}

}  // namespace

const Operation kGetObjectAttributes{.name = "GetObjectAttributes",
                                     .check = Operation::Check::Itself,
                                     .action = "s3:GetObjectAttributes",
                                     .version_action = "s3:GetObjectVersionAttributes",
                                     .acl = AclPermission::Read,
                                     .run = get_object_attributes};

}  // namespace coffer::gateway
