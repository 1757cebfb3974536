#pragma once
/// TempDirectory: a directory of a test's own, below $TMPDIR or /tmp, removed with all that is in
/// it.
///
/// Owns      the directory. What is mounted in it belongs to somebody else: with a mount left
/// below, nothing
///           at all is deleted and the test fails, since that mount may lead to real files.
/// Threads   one thread.
/// Errors    a directory that cannot be made throws; one that cannot be removed fails the test.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace coffer::testing {

class TempDirectory {
 public:
  TempDirectory() {
    const char* const base =
        std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): no test sets it
    std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/coffer-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + pattern);
    }
    path_ = std::filesystem::canonical(pattern);
  }
  ~TempDirectory() {
    if (const std::string mount = mount_below(path_.string()); !mount.empty()) {
      ADD_FAILURE() << "left mounted: " << mount << "; " << path_ << " is kept";
      return;
    }
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (error) ADD_FAILURE() << "remove " << path_ << ": " << error.message();
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string str() const { return path_.string(); }
  /// The path of a file or directory in it, which need not exist.
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Makes a directory in it and returns its path.
  [[nodiscard]] std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return file(name);
  }

  /// A mount point at or below `path`, or "". Field 5 of /proc/self/mountinfo, proc(5); its octal
  /// escapes do not occur in the names that mkdtemp makes.
  static std::string mount_below(const std::string& path,
                                 const std::string& table = "/proc/self/mountinfo") {
    std::ifstream mounts(table);
    for (std::string line; std::getline(mounts, line);) {
      std::istringstream fields(line);
      std::string field;
      for (int index = 0; index < 5; ++index) fields >> field;
      if (field == path || field.starts_with(path + "/")) return field;
    }
    return {};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace coffer::testing
