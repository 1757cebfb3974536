#include "gateway/s3/conditions.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> delete_object(S3Call& call) {
  S3_TRY(require_null_version(call));
  S3_ASSIGN(const WriteConditions conditions, delete_conditions(call));
  const auto removed =
      call.service.objects.remove(call.bucket, call.key, conditions, call.service.durability);
  // What is not there is gone, whatever it should have been.
  if (!removed && removed.error().code == Errc::NotFound && call.access) return empty_reply(204);
  if (!removed) return s3_fail(write_failure(call, removed.error(), Subject::Object));
  if (*removed) call.changed();
  return empty_reply(204);
}

}  // namespace

const Operation kDeleteObject{.name = "DeleteObject",
                              .effect = Operation::Effect::Write,
                              .action = "s3:DeleteObject",
                              .acl = AclPermission::Write,
                              .run = delete_object};

}  // namespace coffer::gateway
