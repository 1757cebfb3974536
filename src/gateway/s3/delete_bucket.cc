#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> delete_bucket(S3Call& call) {
  const auto removed = call.service.objects.remove_bucket(call.bucket, call.service.durability);
  if (!removed) return s3_fail(call.failure(removed.error(), Subject::Bucket));
  call.changed();
  return empty_reply(204);
}

}  // namespace

const Operation kDeleteBucket{.name = "DeleteBucket",
                              .effect = Operation::Effect::Write,
                              .action = "s3:DeleteBucket",
                              .run = delete_bucket};

}  // namespace coffer::gateway
