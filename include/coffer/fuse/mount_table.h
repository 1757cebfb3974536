#pragma once
/// What /proc/self/mountinfo says about the mounts of this machine.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coffer::fuse {

struct MountEntry {
  std::string id;          // of this mount; stays when it is moved, or a directory above it renamed
  std::string device;      // "major:minor", of each file system its own
  std::string mountpoint;  // where it is now
  std::string type;        // "fuse.coffer"
  std::string source;
  std::optional<std::uint32_t> user;  // whose daemon it is, for FUSE
};

/// All of them, in the table's order: of several on one path the last one shows.
std::vector<MountEntry> mounts();
/// The same of a given table, proc_pid_mountinfo(5).
std::vector<MountEntry> mounts_in(const std::string& table);

/// What is mounted exactly at `path` (absolute, no symbolic links); of several the one that shows. Also
/// one whose daemon is gone.
std::optional<MountEntry> top_mount(const std::string& path);
std::optional<MountEntry> top_mount_in(const std::string& table, const std::string& path);

/// True when that is a vault.
bool is_coffer_mount(const std::string& path);

}  // namespace coffer::fuse
