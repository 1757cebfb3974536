#pragma once
/// VolumeChoice: which volumes a new segment lives on, and how much more they take.
///
/// With fewer volumes than k+m the geometry shrinks: m' = min(m, avail-1), k' = min(k, avail-m').
/// Threads   any. Blocks on the volumes' space calls.
/// Errors    ReadOnly (no volume can be written), NoSpace (too few have room above the reserve).

#include <cstdint>
#include <vector>

#include "coffer/core/error.h"
#include "vault/segment/segment_store.h"

namespace coffer {

struct SegmentContext;

struct VolumeChoice {
  std::uint8_t k = 1;
  std::uint8_t m = 0;
  std::vector<std::uint8_t> members;  // slot order
  std::uint32_t shard_bytes_max = 0;
};

/// `turn` rotates the slots from segment to segment.
Result<VolumeChoice> choose_volumes(SegmentContext& context, SegmentStore::Stream stream,
                                    std::uint32_t turn);

/// How many bytes each of `members` still takes above the reserve.
/// What new stripes would take of file bytes, about.
Result<std::uint64_t> room_for_stripes(SegmentContext& context, SegmentStore::Stream stream);

Result<std::uint64_t> bytes_before_reserve(SegmentContext& context, SegmentStore::Stream stream,
                                           const std::vector<std::uint8_t>& members);

}  // namespace coffer
