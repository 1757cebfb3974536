#pragma once
/// Small wrappers of POSIX calls for the mount's tests: they fail the test, not the program.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace coffer::fuse::testing {

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) { EXPECT_GE(fd, 0) << std::strerror(errno); }
  Descriptor(const std::string& path, int flags, mode_t mode = 0644)
      : Descriptor(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() { close(); }
  void close() {
    if (fd_ < 0) return;
    EXPECT_EQ(::close(std::exchange(fd_, -1)), 0) << std::strerror(errno);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

inline void write_at(const Descriptor& file, std::string_view bytes, off_t offset) {
  ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), offset),
            static_cast<ssize_t>(bytes.size()))
      << std::strerror(errno);
}

inline void write_file(const std::string& path, std::string_view bytes) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_at(file, bytes, 0);
}

inline std::string read_all(const Descriptor& file) {
  std::string bytes;
  char buffer[65536];
  ssize_t got = 0;
  while ((got = ::pread(file.get(), buffer, sizeof(buffer), static_cast<off_t>(bytes.size()))) > 0)
    bytes.append(buffer, static_cast<std::size_t>(got));
  EXPECT_EQ(got, 0) << std::strerror(errno);
  return bytes;
}

inline std::string read_file(const std::string& path) {
  return read_all(Descriptor(path, O_RDONLY));
}

inline struct stat stat_of(const std::string& path) {
  struct stat result {};
  EXPECT_EQ(::lstat(path.c_str(), &result), 0) << std::strerror(errno);
  return result;
}

inline bool exists(const std::string& path) {
  struct stat result {};
  return ::lstat(path.c_str(), &result) == 0;
}

/// The errno of a call that must fail, 0 when it succeeded.
inline int error_of(int result) { return result == 0 ? 0 : errno; }

/// Bytes that do not repeat within any block size: position tells content.
inline std::string pattern(std::size_t bytes, std::uint64_t seed = 1) {
  std::string result(bytes, '\0');
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
  for (char& c : result) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return result;
}

}  // namespace coffer::fuse::testing
