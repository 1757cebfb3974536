#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/upload_access.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> abort_multipart_upload(S3Call& call) {
  S3_TRY(find_authorized_upload(call));
  const auto aborted =
      call.service.objects.abort_upload(call.bucket, call.key, call.parameter("uploadId"));
  if (!aborted) return s3_fail(call.failure(aborted.error(), Subject::Upload));
  return empty_reply(204);
}

}  // namespace

const Operation kAbortMultipartUpload{.name = "AbortMultipartUpload",
                                      .effect = Operation::Effect::Write,
                                      .check = Operation::Check::Itself,
                                      .action = "s3:AbortMultipartUpload",
                                      .run = abort_multipart_upload};

}  // namespace coffer::gateway
