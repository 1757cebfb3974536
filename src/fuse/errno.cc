#include "fuse/errno.h"

#include <cerrno>

namespace coffer::fuse {

int to_errno(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument:
      return EINVAL;
    case Errc::NotFound:
      return ENOENT;
    case Errc::Exists:
      return EEXIST;
    case Errc::NotDirectory:
      return ENOTDIR;
    case Errc::IsDirectory:
      return EISDIR;
    case Errc::NotEmpty:
      return ENOTEMPTY;
    case Errc::NameTooLong:
      return ENAMETOOLONG;
    case Errc::TooLarge:
      return EFBIG;
    case Errc::TooManyLinks:
      return EMLINK;
    case Errc::CrossDevice:
      return EXDEV;
    case Errc::NoAttribute:
      return ENODATA;
    case Errc::OutOfRange:
      return ERANGE;
    case Errc::Permission:
      return EPERM;
    case Errc::AccessDenied:
      return EACCES;
    case Errc::ReadOnly:
      return EROFS;
    case Errc::NoSpace:
      return ENOSPC;
    case Errc::Busy:
      return EBUSY;
    case Errc::Stale:
      return ESTALE;
    case Errc::Conflict:
      return EAGAIN;
    case Errc::Io:
      return EIO;
    case Errc::Corrupt:
    case Errc::AuthenticationFailed:
      return EIO;  // callers must not learn which
    case Errc::WrongKey:
      return EIO;
    case Errc::NotEnoughVolumes:
      return EIO;
    case Errc::Forked:
      return EROFS;
    case Errc::TimedOut:
      return EIO;
    case Errc::Cancelled:
      return EIO;  // never EINTR: the work did not ask to be interrupted
    case Errc::ShuttingDown:
      return EIO;
    case Errc::OutOfMemory:
      return ENOMEM;
    case Errc::NotSupported:
      return EOPNOTSUPP;
  }
  __builtin_unreachable();
}

}  // namespace coffer::fuse
