#include "gateway/s3/call.h"

namespace coffer::gateway {

S3Error S3Call::failure(const Error& error, Subject subject) const {
  if (error.code == Errc::NotFound && subject != Subject::Bucket) {
    const auto found = service.objects.bucket(bucket);
    if (!found && found.error().code == Errc::NotFound) return {S3Code::NoSuchBucket, {}, {}};
  }
  return to_s3_error(error, subject);
}

bool allowed(const AccessKey& who, std::string_view bucket, Operation::Effect effect) {
  if (who.read_only && effect == Operation::Effect::Write) return false;
  return who.bucket.empty() || bucket.empty() || who.bucket == bucket;
}

}  // namespace coffer::gateway
