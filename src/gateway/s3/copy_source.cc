#include "gateway/s3/copy_source.h"

#include "gateway/s3/conditions.h"

namespace coffer::gateway {

std::optional<CopySourcePath> copy_source_path(std::string_view header) {
  std::string_view version;
  constexpr std::string_view kVersion = "?versionId=";
  if (const std::size_t at = header.find(kVersion); at != std::string_view::npos) {
    version = header.substr(at + kVersion.size());
    header = header.substr(0, at);
  }
  auto decoded = percent_decode(header, Plus::Literal);
  if (!decoded) return std::nullopt;
  if (decoded->starts_with('/')) decoded->erase(0, 1);
  return CopySourcePath{*std::move(decoded), version};
}

S3Result<CopySource> copy_source(const S3Call& call) {
  const auto named = copy_source_path(call.header("x-amz-copy-source"));
  if (!named) return s3_fail(S3Code::InvalidArgument, "Invalid copy source encoding.");
  const std::string_view version = named->version;
  const std::string_view path = named->bucket_and_key;
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) {
    return s3_fail(S3Code::InvalidArgument,
                   "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  CopySource source{std::string(path.substr(0, slash)),
                    std::string(path.substr(slash + 1)),
                    std::string(version),
                    {}};
  if (!allowed(call.key_scope, source.bucket, Operation::Effect::Read))
    return s3_fail(S3Code::AccessDenied);
  S3_ASSIGN(source.access, bucket_access(call.service, source.bucket));
  if (!source.access && call.who.anonymous()) return s3_fail(S3Code::AccessDenied);
  const auto expected = call.head.find("x-amz-source-expected-bucket-owner");
  if (expected && source.access && *expected != source.access->owner)
    return s3_fail(S3Code::AccessDenied);
  return source;
}

bool may_read_source(const S3Call& call, const CopySource& source, const ObjectInfo& info) {
  const std::string_view action = source.version.empty() ? "s3:GetObject" : "s3:GetObjectVersion";
  return source.access && may_reach(call, {*source.access, source.bucket, source.key, &info, action,
                                           AclPermission::Read});
}

void add_source_version(const CopySource& source, const ObjectInfo& info, Reply& reply) {
  if (source.access && source.access->setting(kVersioningSetting))
    reply.add("x-amz-copy-source-version-id", info.version);
}

bool copy_source_holds(const S3Call& call, const ObjectInfo& info) {
  return evaluate(copy_source_conditions(call), info.etag, info.modified.seconds) ==
         Verdict::Proceed;
}

S3Error copy_source_failure(const S3Call& call, const CopySource& source, const Error& error) {
  if (error.code == Errc::InvalidArgument && !source.version.empty())
    return {S3Code::InvalidArgument, "Invalid version id specified"};
  if (error.code != Errc::NotFound) return to_s3_error(error, Subject::Object);
  if (!source.access) return {S3Code::NoSuchBucket};
  AccessTarget listing{*source.access, source.bucket,   {},
                       nullptr,        "s3:ListBucket", AclPermission::Read};
  listing.missing_key = source.key;
  if (!may_reach(call, listing)) return {S3Code::AccessDenied};
  return {source.version.empty() ? S3Code::NoSuchKey : S3Code::NoSuchVersion};
}

}  // namespace coffer::gateway
