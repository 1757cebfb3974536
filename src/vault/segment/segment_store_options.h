#pragma once
/// SegmentStoreDeps and SegmentStoreOptions: what a SegmentStore is made of.
///
/// Everything in the deps is borrowed and outlives the store.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

#include "coffer/core/buffer.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/uuid.h"
#include "vault/volume/io_wait.h"

namespace coffer {

class ErasureCodes;
class Executor;
class SegmentJournal;
class SegmentKeySource;
class VolumeSet;

struct SegmentStoreDeps {
  VolumeSet& volumes;
  const SegmentKeySource& keys;
  ErasureCodes& codes;
  BufferPool& buffers;
  Executor* executor = nullptr;  // null: everything runs on the caller's thread
  SegmentJournal& journal;
  VaultUuid vault;
  CipherId cipher;
};

/// What stays free on every volume, so that metadata, deletes and cleaning never run short:
/// clamp(total / divisor, bytes_min, bytes_max). Cleaning (Stream::Survivors) may use half of it.
struct SegmentReserve {
  std::uint32_t divisor = 20;
  std::uint64_t bytes_min = std::uint64_t{16} << 20;
  std::uint64_t bytes_max = std::uint64_t{4} << 30;
  [[nodiscard]] std::uint64_t of(std::uint64_t total) const {
    return std::clamp(total / divisor, bytes_min, bytes_max);
  }
};

struct SegmentStoreOptions {
  std::uint8_t k = 1;
  std::uint8_t m = 0;
  std::uint32_t unit_chunks = 32;  // full chunks in one shard of a full stripe, 1..63
  std::uint32_t shard_bytes_max = std::uint32_t{64} << 20;  // of a segment's shard file
  std::uint64_t chunk_cache_bytes = std::uint64_t{64} << 20;
  std::uint32_t open_files_max = 1024;  // shard files kept open for reading
  SegmentReserve reserve;
  std::chrono::milliseconds volume_deadline = kVolumeDeadline;  // then a volume counts as hung
  /// Told of every (segment key, nonce) that seals: a test of invariant 5. Any thread.
  std::function<void(SegmentUid, std::uint32_t ordinal)> on_seal;
};

}  // namespace coffer
