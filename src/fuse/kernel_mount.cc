#include "fuse/kernel_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "fuse/mount_words.h"
#include "fuse/wire.h"

namespace coffer::fuse {

namespace {

constexpr const char* kDevice = "/dev/fuse";
/// A daemon may have died several times over on one mountpoint; each leaves one layer.
constexpr int kLayersMax = 16;

bool is_privileged() { return ::geteuid() == 0; }

bool write_text(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

/// Why /dev/fuse cannot be opened, and what to do.
Error device_error(int error) {
  if (error == ENOENT || error == ENODEV || error == ENXIO)
    return {Errc::Io, "/dev/fuse is not there: load the kernel's fuse module ('modprobe fuse')"};
  if (error == EACCES || error == EPERM)
    return {Errc::Io, "/dev/fuse may not be opened: its mode or this container forbids it"};
  return {Errc::Io, errno_error(error, "open /dev/fuse").context};
}

Result<int> open_device() {
  const int fd = ::open(kDevice, O_RDWR | O_CLOEXEC);
  if (fd < 0) return fail(device_error(errno));
  return fd;
}

const std::string& source_of(const KernelMountOptions& options, const MountWords& words) {
  return words.source.empty() ? options.source : words.source;
}

Result<int> attach_as_root(const KernelMountOptions& options, const MountWords& words,
                           mode_t mode) {
  COFFER_ASSIGN(const int fd, open_device());
  std::array<char, 160> data;
  std::snprintf(data.data(), data.size(),
                "fd=%d,rootmode=%o,user_id=%u,group_id=%u,max_read=%u,default_permissions%s", fd,
                static_cast<unsigned>(mode & S_IFMT), ::getuid(), ::getgid(), kTransferBytesMax,
                options.allow_other || words.allow_other ? ",allow_other" : "");
  const unsigned long flags =
      words.flags | (options.read_only ? static_cast<unsigned long>(MS_RDONLY) : 0UL);
  if (::mount(source_of(options, words).c_str(), options.mountpoint.c_str(), "fuse.coffer", flags,
              data.data()) != 0) {
    const int failed = errno;
    ::close(fd);
    return fail(errno_error(failed, "mount on " + options.mountpoint));
  }
  return fd;
}

/// A comma ends an option, unless a backslash stands before it.
std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

Result<int> attach_through_helper(const KernelMountOptions& options, const MountWords& words) {
  std::string list =
      "subtype=coffer,default_permissions,max_read=" + std::to_string(kTransferBytesMax) +
      ",fsname=" + escape(source_of(options, words));
  if (options.allow_other || words.allow_other) list += ",allow_other";
  if (!words.for_helper.empty()) list += "," + words.for_helper;
  if (options.read_only) list += ",ro";  // the last one counts
  return fusermount_attach(options.mountpoint, list);
}

/// What fusermount3 would ask of a user's mountpoint, with better words for it.
Result<void> check_owner(const std::string& mountpoint) {
  struct stat attributes;
  if (is_stale(mountpoint) || ::stat(mountpoint.c_str(), &attributes) != 0) return {};
  const bool sticky = (attributes.st_mode & S_ISVTX) != 0 && attributes.st_uid != ::getuid();
  if (!sticky && ::access(mountpoint.c_str(), W_OK) == 0) return {};
  return fail(Errc::AccessDenied,
              "the mountpoint " + mountpoint + " is not this user's to mount on");
}

/// The flags of a mount that is there.
Result<unsigned long> flags_of(const std::string& mountpoint) {
  constexpr unsigned long kShownNoSymbolicLinks = 0x2000;  // ST_NOSYMFOLLOW
  constexpr std::array<std::pair<unsigned long, unsigned long>, 10> kSame = {{
      {ST_RDONLY, MS_RDONLY},
      {ST_NOSUID, MS_NOSUID},
      {ST_NODEV, MS_NODEV},
      {ST_NOEXEC, MS_NOEXEC},
      {ST_SYNCHRONOUS, MS_SYNCHRONOUS},
      {ST_MANDLOCK, MS_MANDLOCK},
      {ST_NOATIME, MS_NOATIME},
      {ST_NODIRATIME, MS_NODIRATIME},
      {ST_RELATIME, MS_RELATIME},
      {kShownNoSymbolicLinks, kNoSymbolicLinks},
  }};
  struct statvfs space;
  if (::statvfs(mountpoint.c_str(), &space) != 0)
    return fail(errno_error(errno, "remount " + mountpoint));
  unsigned long flags = 0;
  for (const auto& [shown, flag] : kSame)
    if ((space.f_flag & shown) != 0) flags |= flag;
  return flags;
}

Error in_use(const std::string& mountpoint) {
  return {Errc::Busy, mountpoint + " is in use ('fuser -vm " + mountpoint + "' shows by what)"};
}

}  // namespace

bool is_stale(const std::string& mountpoint) {
  // Not stat: with timeouts of a day the kernel answers that from its cache after the daemon died.
  struct statfs space;
  return ::statfs(mountpoint.c_str(), &space) != 0 && errno == ENOTCONN;
}

Result<void> check_attachable(const KernelMountOptions& options) {
  COFFER_ASSIGN(const MountWords words, parse_mount_words(options.extra));
  if (mounts().empty())  // a mount that is not found in it could not be ended
    return fail(Errc::Io, "/proc/self/mountinfo cannot be read: mount /proc");
  if (is_privileged()) {
    COFFER_ASSIGN(const int fd, open_device());
    ::close(fd);
    return {};
  }
  if (!words.not_for_helper.empty())
    return fail(Errc::NotSupported, "only root can mount with '" + words.not_for_helper + "'");
  COFFER_TRY(find_fusermount());
  if (::access(kDevice, R_OK | W_OK) != 0) return fail(device_error(errno));
  return check_owner(options.mountpoint);
}

Result<KernelMount> KernelMount::attach(const KernelMountOptions& options) {
  COFFER_TRY(check_attachable(options));
  COFFER_ASSIGN(const MountWords words, parse_mount_words(options.extra));
  for (int layers = 0; layers < kLayersMax && is_stale(options.mountpoint); ++layers)
    COFFER_TRY(detach_path(options.mountpoint, Detach::Lazily));

  struct stat attributes;
  if (::stat(options.mountpoint.c_str(), &attributes) != 0)
    return fail(errno_error(errno, "mountpoint " + options.mountpoint));
  if (!S_ISDIR(attributes.st_mode))
    return fail(Errc::NotDirectory, "mountpoint " + options.mountpoint + " is not a directory");
  // The daemon may change its working directory; what is mounted must still be found.
  std::error_code error;
  const auto absolute = std::filesystem::canonical(options.mountpoint, error);
  if (error) return fail(errno_error(error.value(), "mountpoint " + options.mountpoint));

  const bool privileged = is_privileged();
  COFFER_ASSIGN(const int fd, privileged ? attach_as_root(options, words, attributes.st_mode)
                                         : attach_through_helper(options, words));
  KernelMount mounted(absolute.string(), fd, privileged);
  mounted.syncs_names_ = (words.flags & (MS_DIRSYNC | MS_SYNCHRONOUS)) != 0;
  return mounted;
}

KernelMount::KernelMount(std::string mountpoint, int descriptor, bool privileged)
    : mountpoint_(std::move(mountpoint)), descriptor_(descriptor), privileged_(privileged) {
  const auto mounted = top_mount(mountpoint_);
  if (!mounted) return;
  id_ = mounted->id;
  device_ = mounted->device;
}

std::optional<MountEntry> KernelMount::entry() const {
  for (MountEntry& mounted : mounts())
    if (mounted.id == id_ && mounted.device == device_) return std::move(mounted);
  return std::nullopt;
}

bool KernelMount::shows() const {
  const auto ours = entry();
  if (!ours) return false;
  const auto top = top_mount(ours->mountpoint);
  return top && top->id == id_;
}

void KernelMount::set_read_ahead(unsigned kib) const {
  if (!privileged_ || device_.empty()) return;
  write_text("/sys/class/bdi/" + device_ + "/read_ahead_kb", std::to_string(kib));
}

Result<void> KernelMount::detach() const {
  const auto ours = entry();
  if (!ours) return fail(Errc::NotFound, mountpoint_ + " is unmounted already");
  if (const auto top = top_mount(ours->mountpoint); top && top->id != id_)
    return fail(Errc::Busy, ours->mountpoint + ": another mount (" + top->type + " of " +
                                top->source + ") is on top of it, to be unmounted first");
  COFFER_TRY(detach_path(ours->mountpoint, Detach::WhenUnused));
  if (!entry()) return {};
  return fail(Errc::Busy, ours->mountpoint + ": a mount above it hides it, to be unmounted first");
}

bool KernelMount::abort() const {
  if (const auto ours = entry(); ours && shows()) {
    if (!privileged_) {
      static_cast<void>(fusermount_detach(ours->mountpoint, Detach::Lazily));
    } else if (::umount2(ours->mountpoint.c_str(), MNT_FORCE | UMOUNT_NOFOLLOW) == 0 ||
               errno == EBUSY) {  // ended even if it stays, being busy
      ::umount2(ours->mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
      return true;
    }
  }
  const std::string number = device_.substr(device_.find(':') + 1);
  return !number.empty() && write_text("/sys/fs/fuse/connections/" + number + "/abort", "1");
}

// A stale mountpoint counts as mounted: the path does not resolve, but umount takes it by name.
Result<void> detach_path(const std::string& mountpoint, Detach how) {
  // Nobody can use a stale one, though many may stand in it. Not asked where it does not matter: a daemon that hangs never answers.
  if (how != Detach::Lazily && is_stale(mountpoint)) how = Detach::Lazily;
  if (!is_privileged()) {
    const Result<void> detached = fusermount_detach(mountpoint, how);
    if (!detached && detached.error().code == Errc::Busy) return fail(in_use(mountpoint));
    return detached;
  }
  const int flags = UMOUNT_NOFOLLOW | (how == Detach::Lazily ? MNT_DETACH : 0);
  if (::umount2(mountpoint.c_str(), flags) == 0 || errno == EINVAL || errno == ENOENT) return {};
  if (errno == EBUSY) return fail(in_use(mountpoint));
  return fail(errno_error(errno, "unmount " + mountpoint));
}

Result<void> change_flags(const std::string& mountpoint, std::string_view words) {
  if (!is_privileged()) return fail(Errc::Permission, "only root can remount " + mountpoint);
  COFFER_ASSIGN(const unsigned long flags, flags_of(mountpoint));
  COFFER_ASSIGN(const MountWords parsed, parse_mount_words(words, flags));
  if (::mount(nullptr, mountpoint.c_str(), nullptr, MS_REMOUNT | parsed.flags, nullptr) == 0)
    return {};
  if (errno == EBUSY)
    return fail(Errc::Busy, mountpoint + ": files are open for writing ('fuser -vm " + mountpoint +
                                "' shows by what)");
  return fail(errno_error(errno, "remount " + mountpoint));
}

}  // namespace coffer::fuse
