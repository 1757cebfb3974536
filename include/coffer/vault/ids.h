#pragma once
/// The vault's strong ids. All are persistent and never reused.

#include <cstdint>

#include "coffer/core/strong_id.h"

namespace coffer {

using InodeId = StrongId<struct InodeTag, std::uint64_t>;      // FUSE node id; 1 is the root
using SegmentId = StrongId<struct SegmentTag, std::uint64_t>;  // short name of a segment in rows
using EpochId = StrongId<struct EpochTag, std::uint64_t>;      // configuration epoch

inline constexpr InodeId kRootInode{1};

}  // namespace coffer
