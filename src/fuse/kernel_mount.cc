#include "fuse/kernel_mount.h"

#define FUSE_USE_VERSION 314
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "fuse/mount_words.h"
#include "fuse/wire.h"

namespace coffer::fuse {

namespace {

bool write_text(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

/// Runs fusermount3 with the given switch; true when it said 0.
bool run_fusermount(const char* how, const std::string& mountpoint) {
  const char* arguments[] = {"fusermount3", how, "--", mountpoint.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, "fusermount3", &actions, nullptr,
                                     const_cast<char* const*>(arguments), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0) return false;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void clear_stale(const std::string& mountpoint) {
  if (::geteuid() == 0)
    ::umount2(mountpoint.c_str(), MNT_DETACH);
  else
    run_fusermount("-uz", mountpoint);
}

Result<int> attach_as_root(const KernelMountOptions& options, const MountWords& words,
                           mode_t mode) {
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail(errno_error(errno, "open /dev/fuse"));
  char data[160];
  std::snprintf(data, sizeof(data),
                "fd=%d,rootmode=%o,user_id=%u,group_id=%u,max_read=%u,default_permissions%s", fd,
                static_cast<unsigned>(mode & S_IFMT), ::getuid(), ::getgid(), kTransferBytesMax,
                options.allow_other || words.allow_other ? ",allow_other" : "");
  const std::string& source = words.source.empty() ? options.source : words.source;
  const unsigned long flags =
      words.flags | (options.read_only ? static_cast<unsigned long>(MS_RDONLY) : 0UL);
  if (::mount(source.c_str(), options.mountpoint.c_str(), "fuse.coffer", flags, data) != 0) {
    const int failed = errno;
    ::close(fd);
    return fail(errno_error(failed, "mount on " + options.mountpoint));
  }
  return fd;
}

Result<int> attach_through_helper(const KernelMountOptions& options, const MountWords& words) {
  const std::string& source = words.source.empty() ? options.source : words.source;
  std::string list =
      "subtype=coffer,default_permissions,max_read=" + std::to_string(kTransferBytesMax) +
      ",fsname=" + source;
  if (options.allow_other || words.allow_other) list += ",allow_other";
  if (options.read_only) list += ",ro";
  if (!words.for_helper.empty()) list += "," + words.for_helper;
  const int fd = ::fuse_open_channel(options.mountpoint.c_str(), list.c_str());
  if (fd < 0)
    return fail(Errc::AccessDenied, "fusermount3 could not mount on " + options.mountpoint +
                                        " (is fuse3 installed, and the directory yours?)");
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

}  // namespace

bool is_stale(const std::string& mountpoint) {
  // Not stat: with timeouts of a day the kernel answers that from its cache after the daemon died.
  struct statfs space;
  return ::statfs(mountpoint.c_str(), &space) != 0 && errno == ENOTCONN;
}

Result<KernelMount> KernelMount::attach(const KernelMountOptions& options) {
  COFFER_ASSIGN(const MountWords words, parse_mount_words(options.extra));
  // A daemon may have died several times over on one mountpoint; each leaves one layer.
  for (int layers = 0; layers < 16 && is_stale(options.mountpoint); ++layers)
    clear_stale(options.mountpoint);

  struct stat attributes;
  if (::stat(options.mountpoint.c_str(), &attributes) != 0)
    return fail(errno_error(errno, "mountpoint " + options.mountpoint));
  if (!S_ISDIR(attributes.st_mode))
    return fail(Errc::NotDirectory, "mountpoint " + options.mountpoint + " is not a directory");

  const bool privileged = ::geteuid() == 0;
  COFFER_ASSIGN(const int fd, privileged ? attach_as_root(options, words, attributes.st_mode)
                                         : attach_through_helper(options, words));
  // The daemon may change its working directory; what is mounted must still be found.
  char* absolute = ::realpath(options.mountpoint.c_str(), nullptr);
  std::string mountpoint = absolute != nullptr ? absolute : options.mountpoint;
  ::free(absolute);
  return KernelMount(std::move(mountpoint), fd, privileged);
}

void KernelMount::set_read_ahead(unsigned kib) const {
  struct stat attributes;
  if (!privileged_ || ::stat(mountpoint_.c_str(), &attributes) != 0) return;
  write_text("/sys/class/bdi/" + std::to_string(major(attributes.st_dev)) + ":" +
                 std::to_string(minor(attributes.st_dev)) + "/read_ahead_kb",
             std::to_string(kib));
}

// A stale mountpoint counts as mounted: the path does not resolve, but umount takes it by name.
Result<void> detach_path(const std::string& mountpoint) {
  if (::geteuid() == 0) {
    if (::umount2(mountpoint.c_str(), UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT)
      return {};
    return fail(errno_error(errno, "unmount " + mountpoint));
  }
  if (run_fusermount("-u", mountpoint)) return {};
  return fail(Errc::Busy, "unmount " + mountpoint + ": in use, or fusermount3 refused");
}

void KernelMount::abort() const {
  if (privileged_) {
    ::umount2(mountpoint_.c_str(),
              MNT_FORCE | UMOUNT_NOFOLLOW);  // ends the connection even if busy
    ::umount2(mountpoint_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    return;
  }
  struct stat attributes;
  const bool found = ::stat(mountpoint_.c_str(), &attributes) == 0;
  run_fusermount("-uz", mountpoint_);
  if (found)
    write_text("/sys/fs/fuse/connections/" + std::to_string(minor(attributes.st_dev)) + "/abort",
               "1");
}

}  // namespace coffer::fuse
