#include "vault/segment/owner_index.h"

#include "vault/segment/stripe_layout.h"

namespace coffer {

namespace {

void encode(ByteWriter& out, const OwnerEntry& entry) {
  out.u8(entry.shard);
  out.varint(entry.offset);
  out.varint(entry.ordinal);
  out.varint(entry.bytes);
  out.varint(entry.inode.value());
  out.varint(entry.file_offset.value());
}

std::uint32_t varint_bytes(std::uint64_t value) {
  std::uint32_t n = 1;
  for (; value >= 0x80; value >>= 7U) ++n;
  return n;
}

}  // namespace

void OwnerIndex::add(const OwnerEntry& entry) {
  ByteWriter out(encoded_);
  encode(out, entry);
}

std::uint32_t OwnerIndex::bytes_with(const OwnerEntry& entry) const {
  return static_cast<std::uint32_t>(encoded_.size()) + 1 + varint_bytes(entry.offset) +
         varint_bytes(entry.ordinal) + varint_bytes(entry.bytes) +
         varint_bytes(entry.inode.value()) + varint_bytes(entry.file_offset.value());
}

Result<std::vector<OwnerEntry>> OwnerIndex::decode(Bytes plain) {
  std::vector<OwnerEntry> entries;
  ByteReader in(plain);
  while (in.ok() && !in.at_end()) {
    OwnerEntry entry;
    entry.shard = in.u8();
    const std::uint64_t offset = in.varint();
    const std::uint64_t ordinal = in.varint();
    const std::uint64_t bytes = in.varint();
    entry.inode = InodeId(in.varint());
    entry.file_offset = ByteOffset(in.varint());
    constexpr std::uint64_t kMax = kPieceBytes * kPiecesMax;
    if (offset > kMax || bytes > kMax || bytes == 0 || ordinal > UINT32_MAX) {
      return fail(Errc::Corrupt, "owner index entry out of bounds");
    }
    entry.offset = static_cast<std::uint32_t>(offset);
    entry.ordinal = static_cast<std::uint32_t>(ordinal);
    entry.bytes = static_cast<std::uint32_t>(bytes);
    entries.push_back(entry);
  }
  if (!in.ok()) return fail(Errc::Corrupt, "owner index is cut short");
  return entries;
}

}  // namespace coffer
