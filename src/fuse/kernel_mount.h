#pragma once
/// KernelMount: one FUSE file system in the kernel's mount table.
///
/// Root mounts /dev/fuse itself; everybody else goes through fusermount3 (fusermount.h), where
/// read_ahead_kb, suid and dev are out of reach.
///
/// Whoever unmounts by path takes away what shows there, and that may be somebody else's mount on top of ours. So
/// ours is known by its id in the mount table, wherever it was moved to, and nothing is unmounted but what has it.
///
/// Owns      the mount, until the kernel drops it. The descriptor is the caller's.
/// Threads   one thread, except stop functions, which any thread may call.
/// Errors    InvalidArgument (an option, not a directory), AccessDenied, Busy, NotFound, Io.

#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/fuse/mount_table.h"
#include "fuse/fusermount.h"

namespace coffer::fuse {

struct KernelMountOptions {
  std::string mountpoint;
  std::string source = "coffer";  // what /proc/mounts shows first
  bool read_only = false;
  bool allow_other = false;
  std::string extra;  // comma-separated words of mount(8): nosuid, noexec, suid, dev, …
};

/// True when a mount is there whose daemon is gone.
bool is_stale(const std::string& mountpoint);

/// Whether attach() could do it, as far as that can be told without doing it.
Result<void> check_attachable(const KernelMountOptions& options);

/// Unmounts what shows at a path, lazily where its daemon is gone; success when nothing was mounted there.
Result<void> detach_path(const std::string& mountpoint, Detach how);

/// Changes the flags of a mount as the words say; those that they do not name stay.
Result<void> change_flags(const std::string& mountpoint, std::string_view words);

class KernelMount {
 public:
  /// Mounts. A mountpoint whose daemon died ("Transport endpoint is not connected") is cleared
  /// first.
  static Result<KernelMount> attach(const KernelMountOptions& options);

  /// Sets how far the kernel reads ahead. Best effort: needs root, and costs speed only.
  void set_read_ahead(unsigned kib) const;

  /// Unmounts. Busy: a program uses it, or something is mounted over it. NotFound: it is out of the tree already (umount -l),
  /// though the kernel may still hold it for files that are open.
  [[nodiscard]] Result<void> detach() const;
  /// Takes it out of the tree whoever uses it, and ends the connection: workers see ENODEV. False: the connection
  /// is out of reach, and ends when its descriptor is closed.
  [[nodiscard]] bool abort() const;

  /// Programs reach it by its path: it is in the tree, and nothing is mounted on top.
  [[nodiscard]] bool shows() const;

  /// It was mounted with `dirsync` or `sync`.
  [[nodiscard]] bool syncs_names() const { return syncs_names_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& mountpoint() const { return mountpoint_; }
  /// Of the mount table; empty where that could not be read.
  [[nodiscard]] const std::string& device() const { return device_; }

 private:
  KernelMount(std::string mountpoint, int descriptor, bool privileged);

  [[nodiscard]] std::optional<MountEntry> entry() const;

  std::string mountpoint_;
  int descriptor_;
  bool privileged_;
  bool syncs_names_ = false;
  std::string id_, device_;
};

}  // namespace coffer::fuse
