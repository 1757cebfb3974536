#include "vault/meta/sealed_blocks.h"

#include <algorithm>
#include <array>
#include <limits>

#include "vault/meta/nonce_log.h"

namespace coffer::meta {
namespace {

constexpr std::uint64_t kNotLast = std::numeric_limits<std::uint64_t>::max();
using BlockAad = std::array<std::byte, SealedIdentity::kHeaderBytes + 16>;

BlockAad block_aad(const SealedIdentity& identity, std::uint64_t index, std::uint64_t total) {
  BlockAad aad;
  std::memcpy(aad.data(), identity.header().data(), SealedIdentity::kHeaderBytes);
  std::memcpy(aad.data() + SealedIdentity::kHeaderBytes, &index, 8);
  std::memcpy(aad.data() + SealedIdentity::kHeaderBytes + 8, &total, 8);
  return aad;
}

}  // namespace

Result<void> BlockSealer::seal(Bytes plain, std::uint64_t total, std::string& out) {
  const std::size_t at = out.size();
  out.resize(at + crypto::Aead::sealed_size(plain.size()));
  const MutableBytes sealed{reinterpret_cast<std::byte*>(out.data()) + at, out.size() - at};
  note_nonce(identity_.uid(), index_);
  COFFER_TRY(identity_.aead().seal(index_, block_aad(identity_, index_, total), plain, sealed));
  ++index_;
  return {};
}

Result<void> BlockSealer::append(Bytes plain, std::string& out) {
  if (finished_) return fail(Errc::Io, "append to a finished metadata file");
  plain_bytes_ += plain.size();
  while (!plain.empty()) {
    if (tail_.size() == kBlockBytes) {
      COFFER_TRY(seal(as_bytes(tail_), kNotLast, out));
      tail_.clear();
    }
    if (tail_.empty() && plain.size() > kBlockBytes) {
      COFFER_TRY(seal(plain.first(kBlockBytes), kNotLast, out));
      plain = plain.subspan(kBlockBytes);
      continue;
    }
    const std::size_t take = std::min<std::size_t>(kBlockBytes - tail_.size(), plain.size());
    tail_.append(as_text(plain.first(take)));
    plain = plain.subspan(take);
  }
  return {};
}

Result<void> BlockSealer::finish(std::string& out) {
  if (finished_) return {};
  finished_ = true;
  return seal(as_bytes(tail_), plain_bytes_, out);
}

Result<BlockLayout> BlockLayout::of(std::uint64_t disk_bytes) {
  constexpr std::uint64_t kTag = crypto::Aead::kTagBytes;
  if (disk_bytes < SealedIdentity::kHeaderBytes + kTag)
    return fail(Errc::Corrupt, "metadata file too short");
  const std::uint64_t sealed = disk_bytes - SealedIdentity::kHeaderBytes;
  BlockLayout layout;
  layout.blocks = (sealed + kSealedBlockBytes - 1) / kSealedBlockBytes;
  const std::uint64_t last = sealed - (layout.blocks - 1) * kSealedBlockBytes;
  if (last < kTag) return fail(Errc::Corrupt, "metadata file of an impossible size");
  layout.plain_bytes = sealed - layout.blocks * kTag;
  return layout;
}

Result<void> open_block(const SealedIdentity& identity, const BlockLayout& layout,
                        std::uint64_t block, Bytes sealed, MutableBytes out) {
  const std::uint64_t total = block + 1 == layout.blocks ? layout.plain_bytes : kNotLast;
  return identity.aead().open(block, block_aad(identity, block, total), sealed, out);
}

}  // namespace coffer::meta
