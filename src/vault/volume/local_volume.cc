#include "vault/volume/local_volume.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "coffer/core/mutex.h"
#include "vault/volume/local_file_area.h"
#include "vault/volume/local_shard_store.h"
#include "vault/volume/posix_io.h"

namespace coffer {
namespace {

class LocalVolume final : public Volume {
 public:
  LocalVolume(std::string path, posix::UniqueFd root, std::uint64_t device)
      : path_(std::move(path)),
        device_(device),
        root_(std::move(root)),
        shards_(root_.get()),
        files_(root_.get()) {}

  ShardStore& shards() override { return shards_; }
  FileArea& files() override { return files_; }

  Result<VolumeSpace> space() override {
    struct statvfs status {};
    if (::fstatvfs(root_.get(), &status) != 0) return fail(errno_error(errno, path_));
    const std::uint64_t unit = status.f_frsize;
    return VolumeSpace{ByteCount(status.f_blocks * unit), ByteCount(status.f_bavail * unit)};
  }

  Result<void> lock() override EXCLUDES(mutex_) {
    MutexLock guard(mutex_);
    if (lock_) return {};
    auto fd = posix::open_at(root_.get(), kVolumeLockFile, O_RDWR | O_CREAT);
    // A read-only file system can still be locked if the file is there.
    if (!fd && fd.error().code == Errc::ReadOnly) {
      fd = posix::open_at(root_.get(), kVolumeLockFile, O_RDONLY);
    }
    if (!fd) return fail_in(path_, std::move(fd).error());
    while (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        return fail(Errc::Busy, "volume " + path_ + " is in use by another process");
      if (errno != EINTR) return fail(errno_error(errno, path_ + "/lock"));
    }
    lock_ = std::move(*fd);
    return {};
  }

  [[nodiscard]] std::string path() const override { return path_; }
  [[nodiscard]] std::uint64_t device() const override { return device_; }

 private:
  const std::string path_;
  const std::uint64_t device_;
  const posix::UniqueFd root_;
  LocalShardStore shards_;
  LocalFileArea files_;
  Mutex mutex_;
  posix::UniqueFd lock_ GUARDED_BY(mutex_);
};

/// mkdir for one level; durable with the sync of its parent.
Result<void> make_level(const std::string& path) {
  COFFER_ASSIGN(const bool made, posix::make_directory_at(AT_FDCWD, path));
  if (!made) return {};
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  posix::UniqueFd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail(errno_error(errno, parent));
  return {};
}

/// The volume's own directory may be reached through symbolic links: an operator's choice, unlike
/// what is inside.
Result<posix::UniqueFd> open_root(const std::string& path) {
  posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail(errno_error(errno, path));
  return fd;
}

}  // namespace

Result<std::unique_ptr<Volume>> open_local_volume(std::string_view path) {
  const std::string name(path);
  COFFER_ASSIGN(auto root, open_root(name));
  struct stat status {};
  if (::fstat(root.get(), &status) != 0) return fail(errno_error(errno, name));
  return std::make_unique<LocalVolume>(name, std::move(root), status.st_dev);
}

Result<void> create_local_volume_directory(std::string_view path) {
  if (path.empty()) return fail(Errc::InvalidArgument, "a volume needs a path");
  std::string name(path);
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  for (std::size_t slash = name.find('/', 1); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    COFFER_TRY(make_level(name.substr(0, slash)));
  }
  COFFER_TRY(make_level(name));
  COFFER_ASSIGN(const auto root, open_root(name));
  COFFER_TRY(posix::make_directory_at(root.get(), "segments"));
  return posix::sync_directory_at(root.get(), "");
}

}  // namespace coffer
