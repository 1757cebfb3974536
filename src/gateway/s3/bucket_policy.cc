#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_bucket_policy(S3Call& call) {
  Reply reply;
  S3_ASSIGN(reply.body, require_setting(call, setting::kPolicy, S3Code::NoSuchBucketPolicy));
  reply.add("Content-Type", "application/json");
  return reply;
}

S3Result<Reply> put_bucket_policy(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  const auto policy = Policy::parse(body, call.bucket);
  if (!policy) return s3_fail(S3Code::MalformedPolicy, policy.error());
  if (call.access->block.block_policy && policy->is_public()) return s3_fail(S3Code::AccessDenied);
  S3_TRY(set_setting(call, setting::kPolicy, std::string(body)));
  return empty_reply(204);
}

S3Result<Reply> delete_bucket_policy(S3Call& call) {
  S3_TRY(set_setting(call, setting::kPolicy, std::nullopt));
  return empty_reply(204);
}

S3Result<Reply> get_bucket_policy_status(S3Call& call) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  const BucketAccess& access = *call.access;
  const bool by_acl = access.ownership != Ownership::BucketOwnerEnforced &&
                      !access.block.ignore_acls && is_public(access.acl);
  const bool by_policy = access.policy && access.policy->is_public();
  XmlWriter xml;
  xml.open_document("PolicyStatus");
  // Restricted is what policies give, not what ACLs do.
  xml.flag("IsPublic", by_acl || (by_policy && !access.block.restrict_buckets));
  xml.close("PolicyStatus");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kGetBucketPolicy{
    .name = "GetBucketPolicy", .action = "s3:GetBucketPolicy", .run = get_bucket_policy};
const Operation kPutBucketPolicy{.name = "PutBucketPolicy",
                                 .effect = Operation::Effect::Write,
                                 .action = "s3:PutBucketPolicy",
                                 .run_body = put_bucket_policy,
                                 .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteBucketPolicy{.name = "DeleteBucketPolicy",
                                    .effect = Operation::Effect::Write,
                                    .action = "s3:DeleteBucketPolicy",
                                    .run = delete_bucket_policy};
const Operation kGetBucketPolicyStatus{.name = "GetBucketPolicyStatus",
                                       .action = "s3:GetBucketPolicyStatus",
                                       .run = get_bucket_policy_status};

}  // namespace coffer::gateway
