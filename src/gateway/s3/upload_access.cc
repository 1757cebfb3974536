#include "gateway/s3/upload_access.h"

namespace coffer::gateway {

S3Result<UploadInfo> find_authorized_upload(S3Call& call) {
  const std::string_view action = call.operation->action;
  auto upload = call.service.objects.upload(call.bucket, call.key, call.parameter("uploadId"));
  if (!upload) {
    const bool told = call.may_do(action, AclPermission::Write, nullptr);
    return s3_fail(told ? call.failure(upload.error(), Subject::Upload)
                        : S3Error{S3Code::AccessDenied});
  }
  if (!may_reach_upload(call, *upload, action)) return s3_fail(S3Code::AccessDenied);
  call.authorized = true;
  return std::move(*upload);
}

}  // namespace coffer::gateway
