#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/lifecycle.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{256} << 10;

S3Result<Reply> get_bucket_lifecycle(S3Call& call) {
  S3_ASSIGN(const std::string text,
            require_setting(call, setting::kLifecycle, S3Code::NoSuchLifecycleConfiguration));
  Reply reply;
  reply.add("Content-Type", "application/xml");
  reply.body = text;
  return reply;
}

/// Kept as it is shown.
S3Result<Reply> put_bucket_lifecycle(S3Call& call, std::string_view body) {
  S3_ASSIGN(const auto rules, parse_lifecycle(body));
  XmlWriter xml;
  write_lifecycle(rules, xml);
  S3_TRY(set_setting(call, setting::kLifecycle, std::move(xml).text()));
  return empty_reply(200);
}

S3Result<Reply> delete_bucket_lifecycle(S3Call& call) {
  S3_TRY(set_setting(call, setting::kLifecycle, std::nullopt));
  return empty_reply(204);
}

}  // namespace

const Operation kGetBucketLifecycle{.name = "GetBucketLifecycleConfiguration",
                                    .action = "s3:GetLifecycleConfiguration",
                                    .run = get_bucket_lifecycle};
const Operation kPutBucketLifecycle{.name = "PutBucketLifecycleConfiguration",
                                    .effect = Operation::Effect::Write,
                                    .action = "s3:PutLifecycleConfiguration",
                                    .run_body = put_bucket_lifecycle,
                                    .body_bytes_max = kBodyBytesMax};
const Operation kDeleteBucketLifecycle{.name = "DeleteBucketLifecycle",
                                       .effect = Operation::Effect::Write,
                                       .action = "s3:PutLifecycleConfiguration",
                                       .run = delete_bucket_lifecycle};

}  // namespace coffer::gateway
