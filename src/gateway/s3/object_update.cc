#include "gateway/s3/object_update.h"

#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {
constexpr int kTurnsMax = 10;
}

S3Result<ObjectInfo> find_authorized(S3Call& call) {
  auto info = call.service.objects.head(call.bucket, call.key, call.version());
  if (!info) return s3_fail(call.missing(info.error()));
  S3_TRY(call.authorize(&*info));
  return std::move(*info);
}

S3Result<Reply> update_object(S3Call& call, const MakeUpdate& make) {
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    S3_ASSIGN(const ObjectInfo info, find_authorized(call));
    S3_ASSIGN(ObjectUpdate update, make(info));
    update.inode = info.inode;
    update.if_bucket = call.access->bucket_id;
    if (call.versioned()) update.version = info.version;
    if (update.properties) update.expected_properties = info.metadata.properties;
    const auto done =
        call.service.objects.update(call.bucket, call.key, update, call.service.durability);
    if (done) {
      call.changed();
      Reply reply = empty_reply(200);
      add_version_header(call, info.version, reply);
      return reply;
    }
    if (done.error().code != Errc::Conflict && done.error().code != Errc::NotFound)
      return s3_fail(call.failure(done.error(), Subject::Object));
  }
  return s3_fail(S3Code::OperationAborted);
}

}  // namespace coffer::gateway
