#include "vault/segment/stripe_header.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "vault/erasure/crc32c.h"

namespace coffer {

namespace {

constexpr std::array<char, 8> kMagic{'C', 'F', 'R', 'S', 'H', 'A', 'R', 'D'};

// On disk: docs/format.md §3.3. Little-endian. Written once, then immutable.
struct StripeHeaderDisk {
  std::array<char, 8> magic;
  std::uint16_t version;
  std::uint16_t flags;
  std::uint8_t k;
  std::uint8_t m;
  std::uint8_t shard;
  std::uint8_t index_shard;
  std::array<std::byte, 16> vault;
  std::array<std::byte, 16> segment_uid;
  std::uint64_t segment;
  std::uint32_t stripe;
  std::uint32_t data_epoch;
  std::uint32_t first_ordinal;
  std::uint32_t ordinals;
  std::uint32_t payload_bytes;
  std::uint32_t index_offset;
  std::uint32_t index_sealed_bytes;
  std::uint32_t index_ordinal;
  std::array<std::uint8_t, kStripeShardsMax> members;
  std::array<std::uint32_t, kStripeShardsMax> data_bytes;
  std::array<std::uint32_t, kPiecesMax> piece_crc;
  std::array<std::byte, 180> zero;
  std::array<std::byte, 16> mac;
  std::uint32_t crc;
};
static_assert(sizeof(StripeHeaderDisk) == kStripeHeaderBytes, "docs/format.md §3.3");
static_assert(std::has_unique_object_representations_v<StripeHeaderDisk>, "no padding on disk");
static_assert(offsetof(StripeHeaderDisk, segment) == 48);
static_assert(offsetof(StripeHeaderDisk, members) == 88);
static_assert(offsetof(StripeHeaderDisk, data_bytes) == 120);
static_assert(offsetof(StripeHeaderDisk, piece_crc) == 248);
static_assert(offsetof(StripeHeaderDisk, mac) == 492);
static_assert(offsetof(StripeHeaderDisk, crc) == 508);

constexpr std::size_t kMacAt = offsetof(StripeHeaderDisk, mac);
constexpr std::size_t kCrcAt = offsetof(StripeHeaderDisk, crc);

bool sane(const StripeHeader& h) {
  if (h.k == 0 || h.shards() > kStripeShardsMax || h.shard >= h.shards()) return false;
  if (h.index_shard >= h.k) return false;
  for (const std::uint32_t bytes : h.data_bytes) {
    if (bytes > kPieceBytes * kPiecesMax) return false;
  }
  for (std::uint32_t i = h.k; i < kStripeShardsMax; ++i) {
    if (h.data_bytes[i] != 0 || (i >= h.shards() && h.members[i] != 0)) return false;
  }
  if (h.payload_bytes != h.bytes_of(h.shard)) return false;
  const std::uint32_t holds_index = h.data_bytes[h.index_shard];
  return h.index_sealed_bytes > kTagBytes && h.index_sealed_bytes <= holds_index &&
         h.index_offset <= holds_index - h.index_sealed_bytes;
}

}  // namespace

std::uint32_t StripeHeader::longest() const {
  return *std::max_element(data_bytes.begin(), data_bytes.begin() + k);
}

void encode_stripe_header(const StripeHeader& h, const crypto::KeyedMac& mac, MutableBytes out) {
  assert(out.size() == kStripeHeaderBytes);
  StripeHeaderDisk disk{};
  disk.magic = kMagic;
  disk.version = kSegmentFormatVersion;
  disk.k = h.k;
  disk.m = h.m;
  disk.shard = h.shard;
  disk.index_shard = h.index_shard;
  std::ranges::copy(h.vault.value().bytes(), disk.vault.begin());
  std::ranges::copy(h.segment_uid.value().bytes(), disk.segment_uid.begin());
  disk.segment = h.segment.value();
  disk.stripe = h.stripe;
  disk.data_epoch = h.data_epoch;
  disk.first_ordinal = h.first_ordinal;
  disk.ordinals = h.ordinals;
  disk.payload_bytes = h.payload_bytes;
  disk.index_offset = h.index_offset;
  disk.index_sealed_bytes = h.index_sealed_bytes;
  disk.index_ordinal = h.index_ordinal;
  disk.members = h.members;
  disk.data_bytes = h.data_bytes;
  disk.piece_crc = h.piece_crc;
  std::memcpy(out.data(), &disk, sizeof disk);
  const auto tag = mac.mac16(out.first(kMacAt));
  std::ranges::copy(tag, out.begin() + kMacAt);
  const std::uint32_t crc = crc32c(out.first(kCrcAt));
  std::memcpy(out.data() + kCrcAt, &crc, sizeof crc);
}

Result<StripeHeader> decode_stripe_header(Bytes in) {
  if (in.size() != kStripeHeaderBytes) return fail(Errc::Corrupt, "stripe header is cut short");
  StripeHeaderDisk disk;
  std::memcpy(&disk, in.data(), sizeof disk);
  if (disk.magic != kMagic) return fail(Errc::Corrupt, "no stripe header here");
  if (crc32c(in.first(kCrcAt)) != disk.crc) return fail(Errc::Corrupt, "stripe header checksum");
  if (disk.version != kSegmentFormatVersion || disk.flags != 0) {
    return fail(Errc::Corrupt, "stripe header of an unknown version");
  }
  const bool zeros = std::ranges::all_of(disk.zero, [](std::byte b) { return b == std::byte{0}; });
  if (!zeros) return fail(Errc::Corrupt, "stripe header with bytes that mean nothing");
  StripeHeader h;
  h.vault = VaultUuid(Uuid(disk.vault));
  h.segment_uid = SegmentUid(Uuid(disk.segment_uid));
  h.segment = SegmentId(disk.segment);
  h.stripe = disk.stripe;
  h.data_epoch = disk.data_epoch;
  h.k = disk.k;
  h.m = disk.m;
  h.shard = disk.shard;
  h.members = disk.members;
  h.first_ordinal = disk.first_ordinal;
  h.ordinals = disk.ordinals;
  h.payload_bytes = disk.payload_bytes;
  h.index_shard = disk.index_shard;
  h.index_offset = disk.index_offset;
  h.index_sealed_bytes = disk.index_sealed_bytes;
  h.index_ordinal = disk.index_ordinal;
  h.data_bytes = disk.data_bytes;
  h.piece_crc = disk.piece_crc;
  if (!sane(h)) return fail(Errc::Corrupt, "stripe header contradicts itself");
  return h;
}

bool stripe_header_authentic(Bytes in, const crypto::KeyedMac& mac) {
  return in.size() == kStripeHeaderBytes &&
         mac.verify(in.first(kMacAt), in.subspan(kMacAt, kTagBytes));
}

void checksum_pieces(StripeHeader& header, Bytes payload) {
  header.piece_crc.fill(0);
  for (std::uint32_t piece = 0; piece < pieces_of(header.payload_bytes); ++piece) {
    const std::size_t at = std::size_t{piece} * kPieceBytes;
    header.piece_crc[piece] =
        crc32c(payload.subspan(at, std::min<std::size_t>(kPieceBytes, payload.size() - at)));
  }
}

bool pieces_match(const StripeHeader& header, std::uint32_t offset, Bytes bytes) {
  for (std::uint32_t piece = offset / kPieceBytes; !bytes.empty(); ++piece) {
    const Bytes one = bytes.first(std::min<std::size_t>(kPieceBytes, bytes.size()));
    if (piece >= kPiecesMax || crc32c(one) != header.piece_crc[piece]) return false;
    bytes = bytes.subspan(one.size());
  }
  return true;
}

}  // namespace coffer
