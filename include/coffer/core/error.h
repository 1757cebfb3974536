#pragma once
/// Error, Errc, Result: how every room reports failure.
///
/// Errors are values. Errc names what a caller can act on; context says on what it happened, in one
/// line for a person. Context never holds a key, a secret, a plaintext name or file content.
/// Exactly two files translate an Errc at the edges (src/fuse/errno.cc,
/// src/gateway/s3/error_code.cc), each with a full switch and no default, so that a new code fails
/// to compile until it is mapped.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace coffer {

enum class Errc {
  InvalidArgument,
  NotFound,
  Exists,
  NotDirectory,
  IsDirectory,
  NotEmpty,
  NameTooLong,
  TooLarge,  // beyond the largest file or value that the format holds
  TooManyLinks,
  CrossDevice,   // a rename or link that may not leave where it is (a versioned bucket)
  NoAttribute,   // no extended attribute of that name
  OutOfRange,    // the caller's buffer is too small for the value
  Permission,    // not allowed, whoever asks (immutable, locked, not owner)
  AccessDenied,  // not allowed to this principal
  ReadOnly,      // the vault or mount takes no writes now
  NoSpace,
  Busy,      // somebody else holds it (a second daemon, a mounted directory)
  Stale,     // the handle or inode is gone
  Conflict,  // a condition on the present state did not hold (If-Match, compare-and-swap)
  Io,
  Corrupt,               // bytes on disk are not what was written
  AuthenticationFailed,  // an AEAD tag or MAC did not verify
  WrongKey,              // no key slot opens with this passphrase, key file or recovery key
  NotEnoughVolumes,
  Forked,  // two histories of one vault
  TimedOut,
  Cancelled,
  ShuttingDown,
  OutOfMemory,
  NotSupported,
};

/// The code's name, for logs and messages ("NotFound").
std::string_view to_string(Errc code) noexcept;

struct Error {
  Errc code = Errc::Io;
  std::string context;
};

template <typename T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string context = {}) {
  return tl::unexpected<Error>(Error{code, std::move(context)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

/// Adds what was being done to an error on its way up: "open segment 12: <context>".
tl::unexpected<Error> fail_in(std::string_view doing, Error error);

/// The Errc for an errno value of a failed system call; context = what + strerror.
Error errno_error(int error_number, std::string_view what);

}  // namespace coffer

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are declarations and names

/// Returns the error of `expr` from the enclosing function, or goes on.
#define COFFER_TRY(expr)                                           \
  do {                                                             \
    if (auto coffer_try_result = (expr); !coffer_try_result)       \
      return ::coffer::fail(std::move(coffer_try_result).error()); \
  } while (false)

#define COFFER_CONCAT_INNER(a, b) a##b
#define COFFER_CONCAT(a, b) COFFER_CONCAT_INNER(a, b)

/// COFFER_ASSIGN(auto x, f()): x = *f(), or returns f's error from the enclosing function.
#define COFFER_ASSIGN(lhs, expr) \
  COFFER_ASSIGN_INNER(COFFER_CONCAT(coffer_assign_, __LINE__), lhs, expr)
#define COFFER_ASSIGN_INNER(tmp, lhs, expr)                \
  auto tmp = (expr);                                       \
  if (!tmp) return ::coffer::fail(std::move(tmp).error()); \
  lhs = std::move(*tmp)

// NOLINTEND(bugprone-macro-parentheses)
