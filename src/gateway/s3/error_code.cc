#include "gateway/s3/error_code.h"

namespace coffer::gateway {

// A full switch without default: a new code fails to compile until it is mapped.
S3Code to_s3_code(Errc code, Subject subject) noexcept {
  switch (code) {
    case Errc::InvalidArgument:
      return subject == Subject::Upload ? S3Code::InvalidPart : S3Code::InvalidArgument;
    case Errc::NotFound:
      switch (subject) {
        case Subject::Bucket:
          return S3Code::NoSuchBucket;
        case Subject::Object:
          return S3Code::NoSuchKey;
        case Subject::Upload:
          return S3Code::NoSuchUpload;
      }
      __builtin_unreachable();
    case Errc::Exists:
      return subject == Subject::Bucket ? S3Code::BucketAlreadyOwnedByYou
                                        : S3Code::OperationAborted;
    case Errc::NotDirectory:
    case Errc::IsDirectory:
      return S3Code::OperationAborted;  // 409: a symlink or directory is there
    case Errc::NotEmpty:
      return S3Code::BucketNotEmpty;
    case Errc::NameTooLong:
      return S3Code::KeyTooLongError;
    case Errc::TooLarge:
      return S3Code::EntityTooLarge;
    case Errc::TooManyLinks:
      return S3Code::OperationAborted;
    case Errc::CrossDevice:
      return S3Code::OperationAborted;
    case Errc::NoAttribute:
      return S3Code::InternalError;
    case Errc::OutOfRange:
      return S3Code::InvalidRange;
    // Trying again does not help with any of these, so none of them is a 503.
    case Errc::Permission:
    case Errc::AccessDenied:
    case Errc::ReadOnly:
      return S3Code::AccessDenied;
    case Errc::NoSpace:
      return S3Code::InsufficientStorage;
    case Errc::Busy:
      return S3Code::SlowDown;
    case Errc::Stale:
      return S3Code::OperationAborted;
    case Errc::Conflict:
      return S3Code::PreconditionFailed;
    case Errc::Io:
      return S3Code::InternalError;
    // Callers must not learn which of these it was.
    case Errc::Corrupt:
    case Errc::AuthenticationFailed:
    case Errc::WrongKey:
    case Errc::NotEnoughVolumes:
    case Errc::Forked:
      return S3Code::InternalError;
    case Errc::TimedOut:
      return S3Code::SlowDown;
    case Errc::Cancelled:
    case Errc::ShuttingDown:
      return S3Code::ServiceUnavailable;
    case Errc::OutOfMemory:
      return S3Code::SlowDown;
    case Errc::NotSupported:
      return S3Code::NotImplemented;
  }
  __builtin_unreachable();
}

}  // namespace coffer::gateway
