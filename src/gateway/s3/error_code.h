#pragma once
/// The one place in the gateway where the vault's error codes become S3's.

#include "coffer/core/error.h"
#include "gateway/s3/s3_error.h"

namespace coffer::gateway {

/// What a request asks for; decides what NotFound and Conflict mean.
enum class Subject { Bucket, Object, Upload };

S3Code to_s3_code(Errc code, Subject subject) noexcept;
inline S3Error to_s3_error(const Error& error, Subject subject) {
  return {to_s3_code(error.code, subject), {}, {}};
}

}  // namespace coffer::gateway
