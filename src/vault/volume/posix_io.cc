#include "vault/volume/posix_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

namespace coffer::posix {
namespace {

constexpr std::size_t kVectorMax = 256;  // pieces of one pwritev; the kernel takes 1024

tl::unexpected<Error> fail_errno(std::string_view what) { return fail(errno_error(errno, what)); }

/// Moves past `written` bytes; drops the entries that are done.
std::span<iovec> skip_written(std::span<iovec> left, std::size_t written) {
  while (!left.empty() && written >= left.front().iov_len) {
    written -= left.front().iov_len;
    left = left.subspan(1);
  }
  if (!left.empty()) {
    left.front().iov_base = static_cast<char*>(left.front().iov_base) + written;
    left.front().iov_len -= written;
  }
  return left;
}

Result<void> write_vector(int fd, std::uint64_t at, std::span<iovec> left, std::string_view what) {
  left = skip_written(left, 0);
  while (!left.empty()) {
    const ssize_t n =
        ::pwritev(fd, left.data(), static_cast<int>(left.size()), static_cast<off_t>(at));
    if (n < 0) {
      if (errno == EINTR) continue;
      return fail_errno(what);
    }
    // No progress and no error is not a thing that Linux does for files; never spin on it.
    if (n == 0) return fail(Errc::Io, std::string(what) + ": nothing was written");
    at += static_cast<std::uint64_t>(n);
    left = skip_written(left, static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> check_relative_path(std::string_view path) {
  const auto refuse = [] { return fail(Errc::InvalidArgument, "not a path inside a volume"); };
  if (path.empty() || path.find('\0') != std::string_view::npos) return refuse();
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return refuse();
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

Result<UniqueFd> open_at(int directory, std::string_view path, int flags, unsigned mode) {
  const std::string name(path);
  while (true) {
    UniqueFd fd(::openat(directory, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
    if (fd) return fd;
    if (errno != EINTR) return fail_errno(path);
  }
}

Result<UniqueFd> open_directory_at(int directory, std::string_view path) {
  return open_at(directory, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
}

Result<void> write_all(int fd, ByteOffset at, std::span<const IoSlice> pieces,
                       std::string_view what) {
  std::array<iovec, kVectorMax> vector;
  std::uint64_t position = at.value();
  while (!pieces.empty()) {
    const std::size_t count = std::min(pieces.size(), kVectorMax);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      vector[i] = {pieces[i].bytes.data(), pieces[i].bytes.size()};
      bytes += pieces[i].bytes.size();
    }
    COFFER_TRY(write_vector(fd, position, std::span(vector).first(count), what));
    position += bytes;
    pieces = pieces.subspan(count);
  }
  return {};
}

Result<void> write_all(int fd, ByteOffset at, Bytes bytes, std::string_view what) {
  iovec one{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return write_vector(fd, at.value(), std::span(&one, 1), what);
}

Result<std::size_t> read_full(int fd, ByteOffset at, MutableBytes into, std::string_view what) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(at.value() + done));
    if (n == 0) break;
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      return fail_errno(what);
    }
  }
  return done;
}

Result<ByteCount> file_size(int fd, std::string_view what) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail_errno(what);
  return ByteCount(static_cast<std::uint64_t>(status.st_size));
}

Result<void> sync_data(int fd, std::string_view what) {
  // EINTR is not retried: after any failed sync the state is unknown.
  if (::fdatasync(fd) != 0) return fail_errno(what);
  return {};
}

Result<void> sync_directory_at(int directory, std::string_view path) {
  COFFER_ASSIGN(const UniqueFd fd, open_directory_at(directory, path));
  if (::fsync(fd.get()) != 0) return fail_errno(path);
  return {};
}

Result<bool> make_directory_at(int directory, std::string_view path) {
  const std::string name(path);
  if (::mkdirat(directory, name.c_str(), 0700) == 0) return true;
  if (errno == EEXIST) return false;
  return fail_errno(path);
}

}  // namespace coffer::posix
