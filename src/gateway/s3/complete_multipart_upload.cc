#include <map>

#include "gateway/s3/checksum.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/part_number.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::uint64_t kPartBytesMin = std::uint64_t{5} << 20;

/// Raw bytes of a 32-digit hex MD5; empty if it is none.
std::string md5_from_hex(std::string_view hex) {
  if (hex.size() != 32) return {};
  std::string escaped;
  for (std::size_t i = 0; i < hex.size(); i += 2) escaped.append("%").append(hex.substr(i, 2));
  return percent_decode(escaped, Plus::Literal).value_or(std::string());
}

struct Requested {
  std::uint32_t number = 0;
  std::string etag;
  const XmlElement* element = nullptr;
};

S3Result<std::vector<Requested>> requested_parts(const XmlElement& request) {
  std::vector<Requested> parts;
  for (const XmlElement& element : request.children) {
    if (element.name != "Part") continue;
    const auto number = parse_number(element.child_text("PartNumber").value_or(""));
    const auto etag = element.child_text("ETag");
    if (!number || !etag) return s3_fail(S3Code::MalformedXML);
    if (*number < 1 || *number > kPartNumberMax) {
      return s3_fail(S3Code::InvalidArgument,
                     "Part number must be an integer between 1 and 10000, inclusive");
    }
    if (!parts.empty() && *number <= parts.back().number) return s3_fail(S3Code::InvalidPartOrder);
    parts.push_back({static_cast<std::uint32_t>(*number), std::string(bare_etag(*etag)), &element});
  }
  if (parts.empty()) return s3_fail(S3Code::MalformedXML);
  return parts;
}

/// The stored parts that were named, in order; each is what the client says it is.
S3Result<std::vector<PartInfo>> match(const std::vector<Requested>& requested,
                                      const std::vector<PartInfo>& stored) {
  std::map<std::uint32_t, const PartInfo*> by_number;
  for (const PartInfo& part : stored) by_number[part.number] = &part;
  std::vector<PartInfo> matched;
  for (const Requested& wanted : requested) {
    const auto found = by_number.find(wanted.number);
    if (found == by_number.end() || found->second->etag != wanted.etag) {
      S3Error error{S3Code::InvalidPart, {}, {}};
      error.details.emplace_back("PartNumber", std::to_string(wanted.number));
      error.details.emplace_back("ETag", wanted.etag);
      return s3_fail(std::move(error));
    }
    const PartInfo& part = *found->second;
    for (const ChecksumKind kind : kChecksumKinds) {
      const auto given = wanted.element->child_text(xml_name(kind));
      const auto have = part.checksums.find(std::string(lower_name(kind)));
      if (given && have != part.checksums.end() && have->second != *given) {
        return s3_fail(S3Code::InvalidPart);
      }
    }
    const bool last = &wanted == &requested.back();
    if (!last && part.size < kPartBytesMin) {
      S3Error error{S3Code::EntityTooSmall, {}, {}};
      error.details.emplace_back("ProposedSize", std::to_string(part.size));
      error.details.emplace_back("MinSizeAllowed", std::to_string(kPartBytesMin));
      error.details.emplace_back("PartNumber", std::to_string(part.number));
      return s3_fail(std::move(error));
    }
    matched.push_back(part);
  }
  return matched;
}

/// The object's checksum from the parts': combined (CRCs only), or of all values in a row ("-N"). Nothing
/// where a part has none.
std::optional<std::string> combined_checksum(const std::vector<PartInfo>& parts, ChecksumKind kind,
                                             bool full_object) {
  Checksum composite(kind);
  std::uint64_t crc = 0;
  for (const PartInfo& part : parts) {
    const auto found = part.checksums.find(std::string(lower_name(kind)));
    if (found == part.checksums.end()) return std::nullopt;
    const std::string raw = from_base64(found->second, checksum_bytes(kind));
    if (raw.empty()) return std::nullopt;
    if (full_object)
      crc = crc_combine(*crc_of(kind), crc, crc_value(raw), part.size);
    else
      composite.update(as_bytes(raw));
  }
  if (full_object) return to_base64(as_bytes(crc_bytes(*crc_of(kind), crc)));
  return to_base64(as_bytes(composite.finish())) + "-" + std::to_string(parts.size());
}

S3Result<void> finish_checksums(const S3Call& call, const std::vector<PartInfo>& parts,
                                std::map<std::string, std::string>& checksums) {
  const auto kind = checksum_kind(checksums["algorithm"]);
  const std::string type = checksums["type"];
  checksums.clear();
  const auto value = kind ? combined_checksum(parts, *kind, type == "FULL_OBJECT") : std::nullopt;
  for (const ChecksumKind asked : kChecksumKinds) {
    const auto given = call.head.find("x-amz-checksum-" + std::string(lower_name(asked)));
    if (!given) continue;
    if (!value || asked != *kind) {
      return s3_fail(S3Code::InvalidRequest,
                     "The upload was not created with the checksum algorithm that you specified.");
    }
    if (*given != *value) {
      return s3_fail(S3Code::BadDigest,
                     "The checksum you specified did not match the calculated checksum.");
    }
  }
  if (!value) return {};
  checksums[std::string(lower_name(*kind))] = *value;
  checksums["type"] = type;
  return {};
}

S3Result<void> check_size(const S3Call& call, const std::vector<PartInfo>& parts) {
  const auto given = call.head.find("x-amz-mp-object-size");
  if (!given) return {};
  std::uint64_t size = 0;
  for (const PartInfo& part : parts) size += part.size;
  if (parse_number(*given) == size) return {};
  return s3_fail(S3Code::InvalidRequest,
                 "The x-amz-mp-object-size header does not match the size of the parts.");
}

template <typename Parts>
std::string multipart_etag(const Parts& parts) {
  Digest md5(Digest::Kind::Md5);
  for (const auto& part : parts) md5.update(md5_from_hex(part.etag));
  return to_hex(md5.finish()) + "-" + std::to_string(parts.size());
}

void write_checksums(const std::map<std::string, std::string>& checksums, XmlWriter& xml) {
  for (const ChecksumKind kind : kChecksumKinds) {
    const auto found = checksums.find(std::string(lower_name(kind)));
    if (found == checksums.end()) continue;
    xml.element(xml_name(kind), found->second);
    if (const auto type = checksums.find("type"); type != checksums.end())
      xml.element("ChecksumType", type->second);
  }
}

Reply completed_reply(const S3Call& call, const ObjectInfo& info,
                      const std::map<std::string, std::string>& checksums) {
  XmlWriter xml;
  xml.open_document("CompleteMultipartUploadResult");
  xml.element("Location", std::string(call.head.encrypted() ? "https://" : "http://") +
                              std::string(call.header("host")) + "/" + call.bucket + "/" +
                              percent_encode(call.key, Slash::Keep));
  xml.element("Bucket", call.bucket);
  xml.element("Key", call.key);
  xml.element("ETag", quoted_etag(info.etag));
  write_checksums(checksums, xml);
  xml.close("CompleteMultipartUploadResult");
  Reply reply = xml_reply(std::move(xml));
  add_new_version_header(call, info.version, reply);
  add_expiration_header(call, info, reply);
  add_encryption_headers(call, checksums.contains(kCustomerSeal), reply);
  return reply;
}

/// The upload is not there. A client that lost the first answer asks again: where the object stands that
/// these parts make, it is told so once more.
S3Result<Reply> complete_again(const S3Call& call, const std::vector<Requested>& requested,
                               const Error& error) {
  if (error.code == Errc::NotFound) {
    const auto there = call.service.objects.head(call.bucket, call.key);
    if (there && there->etag == multipart_etag(requested))
      return completed_reply(call, *there, there->metadata.checksums);
  }
  return s3_fail(call.failure(error, Subject::Upload));
}

S3Result<Reply> complete_multipart_upload(S3Call& call, std::string_view body) {
  const std::string_view id = call.parameter("uploadId");
  S3_ASSIGN(const XmlElement request, parse_xml(body, "CompleteMultipartUpload"));
  S3_ASSIGN(const auto requested, requested_parts(request));
  S3_ASSIGN(const WriteConditions conditions, write_conditions(call));
  auto upload = call.service.objects.upload(call.bucket, call.key, id);
  if (!upload) return complete_again(call, requested, upload.error());
  if (!may_reach_upload(call, *upload, "s3:PutObject")) return s3_fail(S3Code::AccessDenied);
  const auto stored = call.service.objects.parts(call.bucket, call.key, id);
  if (!stored) return s3_fail(call.failure(stored.error(), Subject::Upload));
  S3_ASSIGN(const auto parts, match(requested, *stored));
  S3_TRY(check_size(call, parts));

  ObjectMetadata metadata = std::move(upload->metadata);
  metadata.properties.erase(property::kInitiator);
  add_default_retention(call, metadata.properties);
  // The parts are sealed already. Clients that say the key again shall say the right one; many do not.
  S3_ASSIGN(const auto said, CustomerKey::read(call, CustomerKey::Of::Object));
  if (said) S3_TRY(CustomerKey::require(call, CustomerKey::Of::Object, metadata.checksums));
  const auto sealed = metadata.checksums.find(kCustomerSeal);
  const std::string seal = sealed == metadata.checksums.end() ? std::string() : sealed->second;
  // Of sealed parts no checksum is kept: of the object neither.
  if (!seal.empty()) metadata.checksums.clear();
  S3_TRY(finish_checksums(call, parts, metadata.checksums));
  std::vector<CompletedPart> completed;
  for (const PartInfo& part : parts) completed.push_back({part.number, part.etag});
  metadata.etag = multipart_etag(parts);
  metadata.parts = static_cast<std::uint32_t>(parts.size());
  if (!seal.empty()) metadata.checksums[kCustomerSeal] = seal;
  const auto checksums = metadata.checksums;
  const auto info = call.service.objects.complete_upload(call.bucket, call.key, id, completed,
                                                         std::move(metadata), conditions,
                                                         call.service.durability);
  // The upload was there: what If-Match asks for is not.
  if (!info && info.error().code == Errc::NotFound && conditions.if_match)
    return s3_fail(S3Code::NoSuchKey);
  if (!info) return s3_fail(write_failure(call, info.error(), Subject::Upload));
  call.changed();
  return completed_reply(call, *info, checksums);
}

}  // namespace

const Operation kCompleteMultipartUpload{.name = "CompleteMultipartUpload",
                                         .effect = Operation::Effect::Write,
                                         .action = "s3:PutObject",
                                         .acl = AclPermission::Write,
                                         .run_body = complete_multipart_upload,
                                         .body_bytes_max = 8 * 1024 * 1024,
                                         .checksums = Operation::Checksums::OfObject};

}  // namespace coffer::gateway
