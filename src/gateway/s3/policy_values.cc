#include "gateway/s3/policy_values.h"

#include <ctime>

#include "gateway/http/date.h"
#include "gateway/s3/copy_source.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {
namespace {

using Values = std::vector<std::string>;

Values of(std::optional<std::string_view> value) {
  return value ? Values{std::string(*value)} : Values{};
}

/// s3:ExistingObjectTag/NAME and s3:RequestObjectTag/NAME, s3:RequestObjectTagKeys.
std::optional<Values> tag_values(const S3Call& call, std::string_view name,
                                 const AccessTarget& target) {
  constexpr std::string_view kExisting = "s3:existingobjecttag/";
  constexpr std::string_view kRequested = "s3:requestobjecttag/";
  const auto pick = [](const Tags& tags, std::string_view tag) {
    const auto found = tags.find(std::string(tag));
    return found == tags.end() ? Values{} : Values{found->second};
  };
  if (name.starts_with(kExisting)) {
    return target.object == nullptr
               ? Values{}
               : pick(target.object->metadata.tags, name.substr(kExisting.size()));
  }
  const bool keys = name == "s3:requestobjecttagkeys";
  if (!keys && !name.starts_with(kRequested)) return std::nullopt;
  Tags tags;
  if (call.tags_in_body) {
    tags = *call.tags_in_body;
  } else if (auto of_header = tags_of_header(call.header("x-amz-tagging"))) {
    tags = *std::move(of_header);
  }
  if (!keys) return pick(tags, name.substr(kRequested.size()));
  Values all;
  for (const auto& [tag, value] : tags) all.push_back(tag);
  return all;
}

/// As a policy's Principal names the owner.
std::string arn_of(const std::string& owner) {
  const std::size_t dollar = owner.find('$');
  if (dollar == std::string::npos) return "arn:aws:iam::" + owner + ":root";
  return "arn:aws:iam::" + owner.substr(0, dollar) + ":user/" + owner.substr(dollar + 1);
}

Values aws_values(const S3Call& call, std::string_view name) {
  const std::int64_t now = std::time(nullptr);
  if (name == "sourceip") return call.head.peer().empty() ? Values{} : Values{call.head.peer()};
  if (name == "securetransport") return {call.head.encrypted() ? "true" : "false"};
  if (name == "currenttime") return {format_iso_date(now, 0)};
  if (name == "epochtime") return {std::to_string(now)};
  if (name == "useragent") return of(call.head.find("user-agent"));
  if (name == "referer") return of(call.head.find("referer"));
  if (call.who.anonymous()) return name == "principaltype" ? Values{"Anonymous"} : Values{};
  if (name == "userid" || name == "principalaccount") return {call.who.id};
  if (name == "username") return {call.who.name};
  if (name == "principaltype") return {"Account"};
  if (name == "principalarn") return {arn_of(call.who.id)};
  return {};
}

Values signature_version(const S3Call& call) {
  if (call.who.anonymous()) return {};
  return {call.signature.form == FormKind::Version2 ? "AWS" : "AWS4-HMAC-SHA256"};
}

Values authentication_type(const S3Call& call) {
  if (call.who.anonymous()) return {};
  if (call.signature.form != FormKind::None) return {"POST"};
  return {call.signature.presigned ? "REST-QUERY-STRING" : "REST-HEADER"};
}

/// What the body was verified by, whether or not a header said it.
std::string payload_hash(const SignedRequest& signature) {
  switch (signature.payload) {
    case PayloadKind::Unsigned:
      return "UNSIGNED-PAYLOAD";
    case PayloadKind::Hashed:
      return signature.payload_sha256;
    case PayloadKind::SignedChunks:
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    case PayloadKind::SignedChunksTrailer:
      return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    case PayloadKind::UnsignedTrailer:
      return "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  }
  __builtin_unreachable();
}

/// "bucket/key", however it was encoded.
Values copied_from(const S3Call& call) {
  const auto header = call.head.find("x-amz-copy-source");
  if (!header) return {};
  const auto source = copy_source_path(*header);
  return {source ? source->bucket_and_key : std::string(*header)};
}

Values s3_values(const S3Call& call, std::string_view name, const AccessTarget& target) {
  if (name == "prefix" && !target.missing_key.empty()) return {std::string(target.missing_key)};
  if (name == "prefix" || name == "delimiter" || name == "max-keys")
    return of(call.query.find(name));
  if (name == "versionid") return of(call.query.find("versionId"));
  if (name == "signatureversion") return signature_version(call);
  if (name == "authtype") return authentication_type(call);
  if (name == "resourceaccount") return {target.access.owner};
  if (name == "x-amz-content-sha256") return {payload_hash(call.signature)};
  if (name == "x-amz-copy-source") return copied_from(call);
  // s3:x-amz-acl, s3:x-amz-copy-source, s3:x-amz-server-side-encryption, …: the header of that name.
  if (name.starts_with("x-amz-")) return of(call.head.find(name));
  return {};
}

}  // namespace

Values policy_values(const S3Call& call, std::string_view name, const AccessTarget& target) {
  if (auto tags = tag_values(call, name, target)) return *std::move(tags);
  if (name.starts_with("aws:")) return aws_values(call, name.substr(4));
  if (name.starts_with("s3:")) return s3_values(call, name.substr(3), target);
  return {};
}

}  // namespace coffer::gateway
