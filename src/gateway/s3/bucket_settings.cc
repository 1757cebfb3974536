#include "gateway/s3/bucket_settings.h"

namespace coffer::gateway {

S3Result<std::string> require_setting(const S3Call& call, const char* name, S3Code absent) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  if (const auto value = call.access->setting(name)) return std::string(*value);
  return s3_fail(S3Error{absent, {}, {{"BucketName", call.bucket}}});
}

S3Result<void> set_setting(const S3Call& call, const char* name, std::optional<std::string> value) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  const auto set = call.service.objects.set_bucket_setting(
      call.bucket, name, value, call.service.durability, call.access->bucket_id);
  if (!set) return s3_fail(call.failure(set.error(), Subject::Bucket));
  return {};
}

}  // namespace coffer::gateway
