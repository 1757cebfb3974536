#pragma once
/// KernelMount: one FUSE file system in the kernel's mount table.
///
/// Root mounts /dev/fuse itself; everybody else goes through fusermount3 (libfuse's
/// fuse_open_channel), where read_ahead_kb, suid and dev are out of reach.
///
/// Owns      the mount, until the kernel drops it. The descriptor is the caller's.
/// Threads   one thread, except stop functions, which any thread may call.
/// Errors    InvalidArgument (an option, not a directory), AccessDenied, Busy, NotFound, Io.

#include <string>
#include <string_view>

#include "coffer/core/error.h"

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

/// Unmounts by path; success when nothing was mounted there.
Result<void> detach_path(const std::string& mountpoint);

class KernelMount {
 public:
  /// Mounts. A mountpoint whose daemon died ("Transport endpoint is not connected") is cleared
  /// first.
  static Result<KernelMount> attach(const KernelMountOptions& options);

  /// Sets how far the kernel reads ahead. Best effort: needs root, and costs speed only.
  void set_read_ahead(unsigned kib) const;

  /// Unmounts; Busy while somebody uses it.
  Result<void> detach() const { return detach_path(mountpoint_); }
  /// Takes it out of the tree whoever uses it, and ends the connection: workers see ENODEV.
  void abort() const;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& mountpoint() const { return mountpoint_; }

 private:
  KernelMount(std::string mountpoint, int descriptor, bool privileged)
      : mountpoint_(std::move(mountpoint)), descriptor_(descriptor), privileged_(privileged) {}

  std::string mountpoint_;
  int descriptor_;
  bool privileged_;
};

}  // namespace coffer::fuse
