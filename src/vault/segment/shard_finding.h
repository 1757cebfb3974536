#pragma once
/// ShardFinding: what stands where a shard of a stripe belongs.

#include <cstdint>
#include <optional>

#include "coffer/core/bytes.h"
#include "vault/segment/segment.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

class SegmentCipher;

struct ShardFinding {
  enum class State : std::uint8_t {
    Unused,      // an empty data shard: nothing belongs there
    NotRead,     // enough others were
    Absent,      // no volume, no file, or the file ends before
    BadHeader,   // no valid header (checksum), or one of another place
    Forged,      // the header's checksum holds, its MAC does not (with keys only)
    BadPayload,  // cut short, or a piece's checksum does not hold
    Wrong,       // its checksums hold, and it is not what belongs there (tags, parity)
    Good,
  };
  State state = State::Absent;
};

/// The header of `shard` at `stripe` in `bytes`, if one stands there, whatever its MAC says. Without `cipher` the MAC is not asked.
std::optional<StripeHeader> find_header(Bytes bytes, VaultUuid vault, const Segment& segment,
                                        std::uint32_t stripe, std::uint32_t shard,
                                        const SegmentCipher* cipher, ShardFinding::State& state);

}  // namespace coffer
