#include "gateway/s3/conditions.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> delete_object(S3Call& call) {
  const auto version = call.query.find("versionId");
  if (version && *version != "null") return s3_fail(S3Code::NoSuchVersion);
  S3_ASSIGN(const WriteConditions conditions, write_conditions(call));
  const auto removed =
      call.service.objects.remove(call.bucket, call.key, conditions, call.service.durability);
  if (!removed) return s3_fail(write_failure(call, removed.error(), Subject::Object));
  if (*removed) call.changed();
  return empty_reply(204);
}

}  // namespace

const Operation kDeleteObject{
    .name = "DeleteObject", .effect = Operation::Effect::Write, .run = delete_object};

}  // namespace coffer::gateway
