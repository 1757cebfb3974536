#include "gateway/s3/policy_values.h"

#include <ctime>

#include "gateway/http/date.h"
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
  const auto tags = tags_of_header(call.header("x-amz-tagging"));
  if (!tags) return Values{};
  if (!keys) return pick(*tags, name.substr(kRequested.size()));
  Values all;
  for (const auto& [tag, value] : *tags) all.push_back(tag);
  return all;
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
  if (name == "principalarn") return {"arn:aws:iam::" + call.who.id + ":root"};
  return {};
}

Values s3_values(const S3Call& call, std::string_view name, const AccessTarget& target) {
  if (name == "prefix" && target.action == "s3:ListBucket" && !call.key.empty())
    return {call.key};  // would it be told that this key is not there?
  if (name == "prefix" || name == "delimiter" || name == "max-keys")
    return of(call.query.find(name));
  if (name == "versionid") return of(call.query.find("versionId"));
  if (name == "signatureversion")
    return call.who.anonymous() ? Values{} : Values{"AWS4-HMAC-SHA256"};
  if (name == "authtype") {
    if (call.who.anonymous()) return {};
    return {call.signature.presigned ? "REST-QUERY-STRING" : "REST-HEADER"};
  }
  if (name == "resourceaccount") return {target.access.owner};
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
