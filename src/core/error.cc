#include "coffer/core/error.h"

#include <cerrno>
#include <system_error>

namespace coffer {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument:
      return "InvalidArgument";
    case Errc::NotFound:
      return "NotFound";
    case Errc::Exists:
      return "Exists";
    case Errc::NotDirectory:
      return "NotDirectory";
    case Errc::IsDirectory:
      return "IsDirectory";
    case Errc::NotEmpty:
      return "NotEmpty";
    case Errc::NameTooLong:
      return "NameTooLong";
    case Errc::TooLarge:
      return "TooLarge";
    case Errc::TooManyLinks:
      return "TooManyLinks";
    case Errc::CrossDevice:
      return "CrossDevice";
    case Errc::NoAttribute:
      return "NoAttribute";
    case Errc::OutOfRange:
      return "OutOfRange";
    case Errc::Permission:
      return "Permission";
    case Errc::AccessDenied:
      return "AccessDenied";
    case Errc::ReadOnly:
      return "ReadOnly";
    case Errc::NoSpace:
      return "NoSpace";
    case Errc::Busy:
      return "Busy";
    case Errc::Stale:
      return "Stale";
    case Errc::Conflict:
      return "Conflict";
    case Errc::Io:
      return "Io";
    case Errc::Corrupt:
      return "Corrupt";
    case Errc::AuthenticationFailed:
      return "AuthenticationFailed";
    case Errc::WrongKey:
      return "WrongKey";
    case Errc::NotEnoughVolumes:
      return "NotEnoughVolumes";
    case Errc::Forked:
      return "Forked";
    case Errc::TimedOut:
      return "TimedOut";
    case Errc::Cancelled:
      return "Cancelled";
    case Errc::ShuttingDown:
      return "ShuttingDown";
    case Errc::OutOfMemory:
      return "OutOfMemory";
    case Errc::NotSupported:
      return "NotSupported";
  }
  __builtin_unreachable();
}

tl::unexpected<Error> fail_in(std::string_view doing, Error error) {
  error.context =
      error.context.empty() ? std::string(doing) : std::string(doing) + ": " + error.context;
  return fail(std::move(error));
}

Error errno_error(int error_number, std::string_view what) {
  Errc code = Errc::Io;
  switch (error_number) {
    case ENOENT:
      code = Errc::NotFound;
      break;
    case EEXIST:
      code = Errc::Exists;
      break;
    case ENOTDIR:
      code = Errc::NotDirectory;
      break;
    case EISDIR:
      code = Errc::IsDirectory;
      break;
    case ENOTEMPTY:
      code = Errc::NotEmpty;
      break;
    case ENAMETOOLONG:
      code = Errc::NameTooLong;
      break;
    case ENOSPC:
    case EDQUOT:
      code = Errc::NoSpace;
      break;
    case EROFS:
      code = Errc::ReadOnly;
      break;
    case EACCES:
      code = Errc::AccessDenied;
      break;
    case EPERM:
      code = Errc::Permission;
      break;
    case EBUSY:
    case EWOULDBLOCK:
      code = Errc::Busy;
      break;
    case ENOMEM:
      code = Errc::OutOfMemory;
      break;
    case EINVAL:
      code = Errc::InvalidArgument;
      break;
    case ETIMEDOUT:
      code = Errc::TimedOut;
      break;
    case EOPNOTSUPP:
      code = Errc::NotSupported;
      break;
    default:
      break;
  }
  return Error{code, std::string(what) + ": " + std::generic_category().message(error_number)};
}

}  // namespace coffer
