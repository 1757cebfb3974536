#pragma once
/// Place: where sealed bytes lie. A run of consecutive chunks inside one data shard of one stripe.
///
/// Every chunk of a run holds chunk_size plaintext bytes except the last, which may be shorter.
/// Format: docs/format.md §3.

#include <compare>
#include <cstdint>

#include "coffer/core/bytes.h"
#include "coffer/core/strong_id.h"
#include "coffer/vault/ids.h"

namespace coffer {

inline constexpr std::uint32_t kChunkBytes = 16 * 1024;  // plaintext of a full chunk
inline constexpr std::uint32_t kTagBytes = 16;
inline constexpr std::uint32_t kSealedChunkBytes = kChunkBytes + kTagBytes;
inline constexpr std::uint32_t kStripeBlockBytes = 4096;  // stripes start at multiples of this

struct Place {
  SegmentId segment;
  std::uint32_t stripe = 0;  // start of the stripe in every shard file, in kStripeBlockBytes
  std::uint8_t shard = 0;    // data shard, 0..k-1
  std::uint32_t offset =
      0;  // first chunk's first sealed byte, from the start of the shard's payload
  std::uint32_t ordinal = 0;  // first chunk's ordinal in the segment: its nonce
  std::uint32_t bytes = 0;    // plaintext bytes of the whole run

  auto operator<=>(const Place&) const = default;
  [[nodiscard]] std::uint32_t chunks() const { return (bytes + kChunkBytes - 1) / kChunkBytes; }
  [[nodiscard]] std::uint32_t sealed_bytes() const { return bytes + chunks() * kTagBytes; }
  /// The run without its first `n` chunks. @pre n < chunks()
  [[nodiscard]] Place without_first(std::uint32_t n) const {
    Place p = *this;
    p.offset += n * kSealedChunkBytes;
    p.ordinal += n;
    p.bytes -= n * kChunkBytes;
    return p;
  }
  /// The run's first `n` chunks only. @pre 0 < n <= chunks()
  [[nodiscard]] Place first(std::uint32_t n) const {
    Place p = *this;
    if (n < chunks()) p.bytes = n * kChunkBytes;
    return p;
  }
};

/// 1..10-byte varints, about 16 bytes in all; used in rows, frames and owner indexes.
void encode_place(ByteWriter& out, const Place& place);
Place decode_place(ByteReader& in);  // check in.ok()

/// Whose bytes stand at a place: file bytes [offset, offset + length) of `inode` are the run's
/// plaintext from `skip` on.
struct Reference {
  InodeId inode;
  ByteOffset offset;
  ByteCount length;
  Place place;
  std::uint32_t skip = 0;
};

void encode_reference(ByteWriter& out, const Reference& reference);
Reference decode_reference(ByteReader& in);

}  // namespace coffer
