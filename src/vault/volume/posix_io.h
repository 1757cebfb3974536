#pragma once
/// Thin wrappers of the POSIX calls that a local volume makes: whole transfers, EINTR, Result.
///
/// Threads   any; they keep no state.
/// Errors    as errno_error() maps them. `what` names the file for messages.

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/core/strong_id.h"

namespace coffer::posix {

/// Owns one file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A path inside a volume: relative, without "." or ".." parts, not empty.
Result<void> check_relative_path(std::string_view path);

/// openat with O_CLOEXEC and O_NOFOLLOW added. `mode` counts when O_CREAT is set.
Result<UniqueFd> open_at(int directory, std::string_view path, int flags, unsigned mode = 0600);
/// An empty path is the directory itself.
Result<UniqueFd> open_directory_at(int directory, std::string_view path);

/// Writes all of `pieces` at `at`; what was written when it fails is unknown.
Result<void> write_all(int fd, ByteOffset at, std::span<const IoSlice> pieces,
                       std::string_view what);
Result<void> write_all(int fd, ByteOffset at, Bytes bytes, std::string_view what);
/// Reads until `into` is full or the file ends.
Result<std::size_t> read_full(int fd, ByteOffset at, MutableBytes into, std::string_view what);

Result<ByteCount> file_size(int fd, std::string_view what);
Result<void> sync_data(int fd, std::string_view what);
/// fsync of the directory `path` under `directory`.
Result<void> sync_directory_at(int directory, std::string_view path);
/// mkdirat; false if something of that name existed.
Result<bool> make_directory_at(int directory, std::string_view path);

}  // namespace coffer::posix
