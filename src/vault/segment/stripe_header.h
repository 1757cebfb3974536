#pragma once
/// StripeHeader: what stands before a shard's payload and makes it self-describing.
///
/// Format    docs/format.md §3.3.
/// Threads   plain values.
/// Errors    decode: Corrupt (not a header, or its CRC fails); whether the MAC holds is asked
/// apart,
///           so that a keyless scrub can read headers too.

#include <array>
#include <cstdint>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/ids.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/kdf.h"
#include "vault/segment/stripe_layout.h"

namespace coffer {

struct StripeHeader {
  VaultUuid vault;
  SegmentUid segment_uid;
  SegmentId segment;
  std::uint32_t stripe = 0;
  std::uint32_t data_epoch = 0;
  std::uint8_t k = 1;
  std::uint8_t m = 0;
  std::uint8_t shard = 0;
  std::array<std::uint8_t, kStripeShardsMax> members{};  // slot order; 0 beyond k+m
  std::uint32_t first_ordinal = 0;
  std::uint32_t ordinals = 0;       // of the stripe, the owner index's among them
  std::uint32_t payload_bytes = 0;  // of this shard
  std::uint8_t index_shard = 0;
  std::uint32_t index_offset = 0;
  std::uint32_t index_sealed_bytes = 0;
  std::uint32_t index_ordinal = 0;
  std::array<std::uint32_t, kStripeShardsMax> data_bytes{};  // payload of every data shard
  std::array<std::uint32_t, kPiecesMax> piece_crc{};         // of this shard's payload

  bool operator==(const StripeHeader&) const = default;

  [[nodiscard]] std::uint32_t shards() const { return std::uint32_t{k} + m; }
  [[nodiscard]] std::uint32_t longest() const;
  /// What shard `index` holds: a parity shard is as long as the longest data shard.
  [[nodiscard]] std::uint32_t bytes_of(std::uint32_t index) const {
    return index < k ? data_bytes[index] : longest();
  }
};

/// Fills `out`, MAC and CRC included. @pre out.size() == kStripeHeaderBytes
void encode_stripe_header(const StripeHeader& header, const crypto::KeyedMac& mac,
                          MutableBytes out);
/// Checks everything but the MAC. Corrupt for anything that we cannot have written.
Result<StripeHeader> decode_stripe_header(Bytes in);
/// @pre in was decoded
bool stripe_header_authentic(Bytes in, const crypto::KeyedMac& mac);

/// Fills the header's piece_crc from the payload.
void checksum_pieces(StripeHeader& header, Bytes payload);
/// `bytes` are the payload from `offset` on (a multiple of kPieceBytes) to a piece's end.
bool pieces_match(const StripeHeader& header, std::uint32_t offset, Bytes bytes);

}  // namespace coffer
