#pragma once
/// A local volume: a directory on a mounted file system.
///
///     <path>/lock                    flock, held while a process has the volume; never replaced or
///     renamed <path>/segments/xx/*.shard     LocalShardStore <path>/... LocalFileArea
///
/// Owns      the directory's descriptor and the lock; open shard files keep their own descriptors.
/// Threads   any. Every call answers inline on the caller's thread and may block as long as the
/// disk does.

#include <memory>
#include <string_view>

#include "vault/volume/volume.h"

namespace coffer {

/// The file that lock() holds; no other content belongs into it (replacing it would free the
/// flock).
inline constexpr std::string_view kVolumeLockFile = "lock";

/// NotFound or NotDirectory if `path` is not a directory. Changes nothing.
Result<std::unique_ptr<Volume>> open_local_volume(std::string_view path);

/// Makes the directory (parents too, mode 0700) and its empty segments/, durably. Fine if they
/// exist: whether what is in there may be used is for the caller to decide.
Result<void> create_local_volume_directory(std::string_view path);

}  // namespace coffer
