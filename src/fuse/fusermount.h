#pragma once
/// fusermount3: the setuid program through which users mount who may not do it themselves.
///
/// libfuse's fuse_open_channel() runs it too, but leaves its complaints on our standard error, where a daemon's go nowhere
/// and a command's are to be one line. So its protocol is spoken here: a socket in _FUSE_COMMFD, over which the descriptor comes.
///
/// Threads   any.
/// Errors    AccessDenied (the mountpoint is not the user's), Busy (unmount: in use), Io (all else: the program or
///           the device absent, allow_other or mount_max of /etc/fuse.conf). The context is what it complained of.

#include <string>

#include "coffer/core/error.h"

namespace coffer::fuse {

/// Where fusermount3 is, by PATH. Io: it is not there.
Result<std::string> find_fusermount();

/// Mounts with these options, comma-separated; gives the connection's descriptor, which is closed on exec.
Result<int> fusermount_attach(const std::string& mountpoint, const std::string& options);

enum class Detach {
  WhenUnused,
  Lazily  // out of the tree now, ended when its last file is closed
};
Result<void> fusermount_detach(const std::string& mountpoint, Detach how);

}  // namespace coffer::fuse
