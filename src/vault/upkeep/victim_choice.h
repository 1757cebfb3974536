#pragma once
/// Which partly dead segments are worth emptying: cost-benefit, pure arithmetic (docs/decisions/0014).

#include <cstdint>
#include <vector>

#include "coffer/vault/ids.h"

namespace coffer {

/// A sealed segment; what is stored and not live is dead.
struct SegmentUse {
  SegmentId id;
  std::uint64_t live_bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint8_t data_shards = 1;

  [[nodiscard]] std::uint64_t dead_bytes() const {
    return stored_bytes > live_bytes ? stored_bytes - live_bytes : 0;
  }
};

struct VictimLimits {
  // Of a segment that is made now: fewer while volumes are away. Then copies take more of each volume than they did before.
  std::uint8_t data_shards_now = 1;
  double dead_share_min = 0.05;         // of the segment: less is not worth the copying
  std::uint64_t dead_bytes_min = 0;     // likewise
  std::uint64_t live_bytes_wanted = 0;  // enough for one round
  std::uint64_t live_bytes_max = 0;     // what survivors have room for
};

/// The best first. What is older is more likely to stay as it is: the dead share counts by the number of segments that are younger,
/// so that what is still dying is left to die. `all` are the sealed segments with live bytes.
std::vector<SegmentUse> choose_victims(std::vector<SegmentUse> all, const VictimLimits& limits);

}  // namespace coffer
