#pragma once
/// StripeLayout: where the parts of a stripe lie. Pure arithmetic; format: docs/format.md §3.

#include <cstdint>

#include "vault/segment/place.h"

namespace coffer {

inline constexpr std::uint32_t kStripeHeaderBytes = 512;
inline constexpr std::uint32_t kPieceBytes = 64 * 1024;  // one CRC32C each
inline constexpr std::uint32_t kPiecesMax = 16;
inline constexpr std::uint32_t kStripeShardsMax = 32;
inline constexpr std::uint16_t kSegmentFormatVersion = 1;

/// The member slot that holds shard `shard` of the stripe at block `stripe`. The product spreads
/// parity over the volumes also where stripes start at regular distances.
constexpr std::uint32_t slot_of(std::uint32_t stripe, std::uint32_t shard, std::uint32_t shards) {
  return (shard + ((stripe * 0x9E3779B1U) >> 16U)) % shards;
}

constexpr std::uint64_t stripe_byte(std::uint32_t stripe) {
  return std::uint64_t{stripe} * kStripeBlockBytes;
}

constexpr std::uint32_t blocks_for(std::uint32_t payload_bytes) {
  return (kStripeHeaderBytes + payload_bytes + kStripeBlockBytes - 1) / kStripeBlockBytes;
}

/// The payload room of one shard: its unit of full chunks, and what is left of its last block
/// (where the owner index usually fits).
constexpr std::uint32_t payload_capacity(std::uint32_t unit_chunks) {
  return blocks_for(unit_chunks * kSealedChunkBytes) * kStripeBlockBytes - kStripeHeaderBytes;
}

constexpr std::uint32_t pieces_of(std::uint32_t payload_bytes) {
  return (payload_bytes + kPieceBytes - 1) / kPieceBytes;
}

static_assert(payload_capacity(32) == 527'872);
static_assert(pieces_of(payload_capacity(63)) <= kPiecesMax);

}  // namespace coffer
