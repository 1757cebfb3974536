#include "cli/runtime_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace coffer::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> candidates_of(uid_t user) {
  std::vector<std::string> found;
  if (user == 0) found.emplace_back("/run/coffer");
  const std::string id = std::to_string(user);
  found.push_back("/run/user/" + id + "/coffer");
  found.push_back("/tmp/coffer-" + id);
  return found;
}

std::vector<std::string> candidates() {
  std::vector<std::string> found;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime == '/')
    found.push_back(std::string(runtime) + "/coffer");
  for (std::string& path : candidates_of(::geteuid())) found.push_back(std::move(path));
  return found;
}

/// A directory in /tmp that somebody else made first would let him answer in our name.
bool is_private(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() && (status.st_mode & 077U) == 0;
}

void add_sockets(const std::string& directory, std::vector<std::string>& found) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".sock") found.push_back(at->path().string());
}

}  // namespace

Result<std::string> make_runtime_directory() {
  for (const std::string& path : candidates()) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) continue;
    if (is_private(path)) return path;
  }
  return fail(Errc::Io, "no private directory for the control socket: set XDG_RUNTIME_DIR");
}

std::string socket_name(const Uuid& vault) { return vault.to_string() + ".sock"; }

std::vector<std::string> find_sockets() {
  std::vector<std::string> directories = candidates();
  if (::geteuid() == 0) {
    std::error_code error;
    for (const char* parent : {"/run/user", "/tmp"}) {
      for (fs::directory_iterator at(parent, error), end; !error && at != end;
           at.increment(error)) {
        const std::string path = at->path().string();
        if (path.starts_with("/run/user/")) directories.push_back(path + "/coffer");
        if (path.starts_with("/tmp/coffer-")) directories.push_back(path);
      }
    }
  }
  std::sort(directories.begin(), directories.end());
  directories.erase(std::unique(directories.begin(), directories.end()), directories.end());
  std::vector<std::string> found;
  for (const std::string& directory : directories) {
    if (::geteuid() == 0 || is_private(directory)) add_sockets(directory, found);
  }
  return found;
}

}  // namespace coffer::cli
