#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> delete_object(S3Call& call) {
  RemoveRequest request{call.bucket, call.key, call.version()};
  S3_ASSIGN(request.conditions, delete_conditions(call));
  request.bypass_governance = bypasses_governance(call, call.key);
  request.marker_properties = marker_properties(call);
  const auto removed = call.service.objects.remove(request, call.service.durability);
  // What is not there is gone, whatever it should have been.
  if (!removed && removed.error().code == Errc::NotFound && call.access) return empty_reply(204);
  if (!removed && removed.error().code == Errc::InvalidArgument && !call.version().empty())
    return s3_fail(S3Code::InvalidArgument, "Invalid version id specified");
  if (!removed) return s3_fail(write_failure(call, removed.error(), Subject::Object));
  if (removed->was_there || removed->marker) call.changed();
  Reply reply = empty_reply(204);
  if (!removed->version.empty()) add_version_header(call, removed->version, reply);
  if (removed->marker) reply.add("x-amz-delete-marker", "true");
  return reply;
}

}  // namespace

const Operation kDeleteObject{.name = "DeleteObject",
                              .effect = Operation::Effect::Write,
                              .action = "s3:DeleteObject",
                              .version_action = "s3:DeleteObjectVersion",
                              .acl = AclPermission::Write,
                              .run = delete_object};

}  // namespace coffer::gateway
