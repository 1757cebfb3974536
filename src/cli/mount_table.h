#pragma once
/// What /proc/self/mountinfo says about the mounts of this machine.

#include <optional>
#include <string>

namespace coffer::cli {

struct MountEntry {
  std::string device;  // "major:minor", of each mount its own
  std::string type;    // "fuse.coffer"
  std::string source;
};

/// What is mounted exactly at `path` (absolute, no symbolic links); of several the one that shows. Also
/// one whose daemon is gone.
std::optional<MountEntry> top_mount(const std::string& path);

/// The same for a given table, proc_pid_mountinfo(5).
std::optional<MountEntry> top_mount_in(const std::string& table, const std::string& path);

/// True when that is a vault.
bool is_coffer_mount(const std::string& path);

}  // namespace coffer::cli
