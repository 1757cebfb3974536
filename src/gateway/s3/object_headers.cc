#include "gateway/s3/object_headers.h"

#include <algorithm>
#include <array>

#include "gateway/http/date.h"
#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/lifecycle.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kUserPrefix = "x-amz-meta-";
constexpr std::size_t kUserBytesMax = 2048;
constexpr std::array<std::string_view, 6> kKeptHeaders{
    "cache-control",    "content-disposition",
    "content-encoding", "content-language",
    "expires",          "x-amz-website-redirect-location"};

/// "aws-chunked" is how the body came, not what it is.
std::string without_aws_chunked(std::string_view value) {
  std::string kept;
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    std::string_view item = value.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty() && item != "aws-chunked") {
      if (!kept.empty()) kept.append(", ");
      kept.append(item);
    }
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return kept;
}

std::string canonical_name(std::string_view lower) {
  std::string name(lower);
  bool start = true;
  for (char& c : name) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    start = c == '-';
  }
  return name;
}

struct Override {
  std::string_view parameter, header;
};
constexpr std::array<Override, 5> kOverrides{
    {{"response-cache-control", "cache-control"},
     {"response-content-disposition", "content-disposition"},
     {"response-content-encoding", "content-encoding"},
     {"response-content-language", "content-language"},
     {"response-expires", "expires"}}};

}  // namespace

S3Result<ObjectMetadata> metadata_from(const S3Call& call) {
  ObjectMetadata metadata;
  metadata.content_type = std::string(call.head.value_or("content-type", "binary/octet-stream"));
  std::size_t user_bytes = 0;
  for (const HeaderField& field : call.head.fields()) {
    if (field.name.starts_with(kUserPrefix)) {
      const std::string_view name = field.name.substr(kUserPrefix.size());
      user_bytes += name.size() + field.value.size();
      std::string& value = metadata.user[std::string(name)];
      if (!value.empty()) value.push_back(',');
      value.append(field.value);
      continue;
    }
    if (std::find(kKeptHeaders.begin(), kKeptHeaders.end(), field.name) == kKeptHeaders.end())
      continue;
    std::string value = field.name == "content-encoding" ? without_aws_chunked(field.value)
                                                         : std::string(field.value);
    if (!value.empty()) metadata.headers[std::string(field.name)] = std::move(value);
  }
  if (user_bytes > kUserBytesMax) return s3_fail(S3Code::MetadataTooLarge);
  return metadata;
}

S3Result<ObjectMetadata> new_metadata_from(const S3Call& call) {
  S3_ASSIGN(ObjectMetadata metadata, metadata_from(call));
  S3_ASSIGN(metadata.properties, new_object_properties(call));
  S3_ASSIGN(metadata.tags, new_tags(call));
  return metadata;
}

S3Result<Tags> new_tags(const S3Call& call) {
  const auto header = call.head.find("x-amz-tagging");
  if (!header) return Tags{};
  S3_ASSIGN(Tags tags, tags_of_header(*header));
  if (tags.size() > kObjectTagsMax) return s3_fail(S3Code::InvalidTag);
  const bool may =
      tags.empty() || call.may_do("s3:PutObjectTagging", AclPermission::Write, nullptr);
  if (!may) return s3_fail(S3Code::AccessDenied);
  return tags;
}

S3Result<void> refuse_part_or_version(const S3Call& call) {
  if (call.query.has("versionId"))
    return s3_fail(S3Code::InvalidArgument, "This operation does not accept a version-id.");
  if (call.query.has("partNumber"))
    return s3_fail(S3Code::InvalidArgument,
                   "This operation does not accept a part number without an uploadId.");
  return {};
}

/// AES256 is what the vault does anyway; keys of a key management service are not served.
S3Result<void> check_encryption(const S3Call& call) {
  const auto encryption = call.head.find("x-amz-server-side-encryption");
  const bool kms = encryption && (*encryption == "aws:kms" || *encryption == "aws:kms:dsse");
  const bool kms_key = call.head.find("x-amz-server-side-encryption-aws-kms-key-id").has_value();
  if (encryption && !kms && *encryption != "AES256") {
    return s3_fail(S3Code::InvalidArgument, "The encryption method specified is not supported");
  }
  if (kms_key && !kms) {
    return s3_fail(S3Code::InvalidArgument,
                   "x-amz-server-side-encryption-aws-kms-key-id is only for aws:kms");
  }
  if (kms) {
    S3_TRY(CustomerKey::read(call, CustomerKey::Of::Object));
    return s3_fail(S3Code::NotImplemented);
  }
  return {};
}

S3Result<void> refuse_unserved(const S3Call& call) {
  S3_TRY(check_encryption(call));
  for (const HeaderField& field : call.head.fields()) {
    if (field.name == "x-amz-write-offset-bytes") return s3_fail(S3Code::NotImplemented);
  }
  return {};
}

void keep_checksum(const BodyProof& proof, std::map<std::string, std::string>& checksums) {
  if (!proof.checksum_kind) return;
  checksums[std::string(lower_name(*proof.checksum_kind))] = proof.checksum;
  checksums["type"] = "FULL_OBJECT";
}

void add_checksum_headers(const std::map<std::string, std::string>& checksums, Reply& reply) {
  bool any = false;
  for (const ChecksumKind kind : kChecksumKinds) {
    const auto found = checksums.find(std::string(lower_name(kind)));
    if (found == checksums.end()) continue;
    any = true;
    reply.add("x-amz-checksum-" + found->first, found->second);
  }
  const auto type = checksums.find("type");
  if (any && type != checksums.end()) reply.add("x-amz-checksum-type", type->second);
}

void add_expiration_header(const S3Call& call, const ObjectInfo& info, Reply& reply) {
  const auto text = call.access ? call.access->setting(setting::kLifecycle) : std::nullopt;
  if (!text) return;
  const auto rules = parse_lifecycle(*text);
  if (!rules) return;
  std::optional<std::int64_t> first;
  std::string_view id;
  for (const LifecycleRule& rule : *rules) {
    const auto at = expires_at(rule, info, {});
    if (!at || (first && *first <= *at)) continue;
    first = at;
    id = rule.id;
  }
  if (!first) return;
  reply.add("x-amz-expiration", "expiry-date=\"" + format_http_date(*first) + "\", rule-id=\"" +
                                    percent_encode(id, Slash::Keep) + "\"");
}

void add_object_headers(const S3Call& call, const ObjectInfo& info, ShowChecksums show,
                        Reply& reply) {
  const ObjectMetadata& metadata = info.metadata;
  reply.add("Last-Modified", format_http_date(info.modified.seconds));
  reply.add("ETag", quoted_etag(info.etag));
  reply.add("Accept-Ranges", "bytes");
  add_encryption_headers(call, metadata.checksums.contains(kCustomerSeal), reply);
  const std::string_view own_type =
      metadata.content_type.empty() ? content_type_of(info.key) : metadata.content_type;
  reply.add("Content-Type", call.query.value_or("response-content-type", own_type));
  for (const auto& [name, value] : metadata.headers) {
    const bool overridden = std::any_of(
        kOverrides.begin(), kOverrides.end(),
        [&](const Override& o) { return o.header == name && call.query.has(o.parameter); });
    if (!overridden) reply.add(canonical_name(name), value);
  }
  for (const Override& o : kOverrides) {
    if (const auto value = call.query.find(o.parameter))
      reply.add(canonical_name(o.header), *value);
  }
  for (const auto& [name, value] : metadata.user) reply.add("x-amz-meta-" + name, value);
  if (!metadata.tags.empty())
    reply.add("x-amz-tagging-count", std::to_string(metadata.tags.size()));
  if (metadata.parts > 0) reply.add("x-amz-mp-parts-count", std::to_string(metadata.parts));
  if (show == ShowChecksums::Yes) add_checksum_headers(metadata.checksums, reply);
}

std::string_view content_type_of(std::string_view key) {
  struct Type {
    std::string_view extension, name;
  };
  static constexpr std::array<Type, 40> kTypes{{{"7z", "application/x-7z-compressed"},
                                                {"avi", "video/x-msvideo"},
                                                {"bmp", "image/bmp"},
                                                {"bz2", "application/x-bzip2"},
                                                {"c", "text/x-c"},
                                                {"css", "text/css"},
                                                {"csv", "text/csv"},
                                                {"doc", "application/msword"},
                                                {"flac", "audio/flac"},
                                                {"gif", "image/gif"},
                                                {"gz", "application/gzip"},
                                                {"h", "text/x-c"},
                                                {"htm", "text/html"},
                                                {"html", "text/html"},
                                                {"ico", "image/x-icon"},
                                                {"jpeg", "image/jpeg"},
                                                {"jpg", "image/jpeg"},
                                                {"js", "text/javascript"},
                                                {"json", "application/json"},
                                                {"md", "text/markdown"},
                                                {"mkv", "video/x-matroska"},
                                                {"mov", "video/quicktime"},
                                                {"mp3", "audio/mpeg"},
                                                {"mp4", "video/mp4"},
                                                {"ogg", "audio/ogg"},
                                                {"parquet", "application/vnd.apache.parquet"},
                                                {"pdf", "application/pdf"},
                                                {"png", "image/png"},
                                                {"py", "text/x-python"},
                                                {"svg", "image/svg+xml"},
                                                {"tar", "application/x-tar"},
                                                {"tif", "image/tiff"},
                                                {"tiff", "image/tiff"},
                                                {"txt", "text/plain"},
                                                {"wasm", "application/wasm"},
                                                {"wav", "audio/x-wav"},
                                                {"webp", "image/webp"},
                                                {"xml", "application/xml"},
                                                {"xz", "application/x-xz"},
                                                {"zip", "application/zip"}}};
  const std::size_t dot = key.rfind('.');
  const std::size_t slash = key.rfind('/');
  const bool has_extension =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
  if (has_extension) {
    std::string extension(key.substr(dot + 1));
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    for (const Type& type : kTypes) {
      if (type.extension == extension) return type.name;
    }
  }
  return "binary/octet-stream";
}

}  // namespace coffer::gateway
