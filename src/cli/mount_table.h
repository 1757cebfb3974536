#pragma once
/// What /proc/self/mountinfo says about Coffer's mounts.

#include <string>

namespace coffer::cli {

/// True when a vault is mounted exactly at `path` (absolute, no symbolic links), also one whose
/// daemon is gone.
bool is_coffer_mount(const std::string& path);

/// The same for a given table, proc_pid_mountinfo(5).
bool is_coffer_mount_in(const std::string& table, const std::string& path);

}  // namespace coffer::cli
