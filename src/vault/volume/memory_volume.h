#pragma once
/// A session on a MemoryDisk behind the Volume interface, with the layout of a local volume
/// (local_volume.h).
///
/// Threads   any; completions run inline, or while the disk hangs on the thread that releases it.
/// Errors    as Volume says; ShuttingDown once the simulated machine or program stopped. Stricter
/// than a local
///           volume: writing a byte range of a shard a second time is InvalidArgument.

#include <memory>

#include "vault/volume/memory_disk.h"
#include "vault/volume/volume.h"

namespace coffer {

/// Io if the disk is gone.
Result<std::unique_ptr<Volume>> open_memory_volume(const std::shared_ptr<MemoryDisk>& disk);

}  // namespace coffer
