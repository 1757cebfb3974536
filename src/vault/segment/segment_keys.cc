#include "vault/segment/segment_keys.h"

#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "vault/segment/stripe_layout.h"

namespace coffer {

namespace {

// Authenticated with every chunk: docs/format.md §3.2.
struct ChunkAad {
  std::array<std::byte, 42> bytes;

  ChunkAad(VaultUuid vault, SegmentUid segment, std::uint32_t ordinal, std::size_t plain_bytes) {
    std::memcpy(bytes.data(), vault.value().bytes().data(), Uuid::kBytes);
    std::memcpy(bytes.data() + 16, segment.value().bytes().data(), Uuid::kBytes);
    const auto length = static_cast<std::uint32_t>(plain_bytes);
    std::memcpy(bytes.data() + 32, &ordinal, sizeof ordinal);
    std::memcpy(bytes.data() + 36, &length, sizeof length);
    std::memcpy(bytes.data() + 40, &kSegmentFormatVersion, sizeof kSegmentFormatVersion);
  }
};

}  // namespace

SegmentKeyPair derive_segment_keys(const crypto::SecretKey& data_epoch_key, SegmentUid segment) {
  return {crypto::segment_key(data_epoch_key, segment),
          crypto::segment_header_mac_key(data_epoch_key, segment)};
}

std::uint32_t KeyRingSource::active_epoch() const {
  return ring_.active_epoch(crypto::KeyKind::Data).value();
}

Result<SegmentKeyPair> KeyRingSource::keys(std::uint32_t data_epoch, SegmentUid segment) const {
  COFFER_ASSIGN(const crypto::SecretKey* key,
                ring_.key(crypto::KeyKind::Data, crypto::KeyEpoch(data_epoch)));
  return derive_segment_keys(*key, segment);
}

SegmentCipher::SegmentCipher(VaultUuid vault, SegmentUid segment, CipherId cipher,
                             SegmentKeyPair keys, OnSeal on_seal)
    : vault_(vault),
      segment_(segment),
      aead_(cipher, keys.chunks),
      header_mac_(std::move(keys.header_mac)),
      on_seal_(std::move(on_seal)) {}

Result<void> SegmentCipher::seal(std::uint32_t ordinal, Bytes plain, MutableBytes out) const {
  if (on_seal_) on_seal_(segment_, ordinal);
  const ChunkAad aad(vault_, segment_, ordinal, plain.size());
  return aead_.seal(ordinal, aad.bytes, plain, out);
}

Result<void> SegmentCipher::open(std::uint32_t ordinal, Bytes sealed, MutableBytes out) const {
  assert(out.size() + kTagBytes == sealed.size());
  const ChunkAad aad(vault_, segment_, ordinal, out.size());
  return aead_.open(ordinal, aad.bytes, sealed, out);
}

SegmentCiphers::SegmentCiphers(const SegmentKeySource& source, VaultUuid vault, CipherId cipher,
                               SegmentCipher::OnSeal on_seal)
    : source_(source),
      vault_(vault),
      cipher_(cipher),
      on_seal_(std::move(on_seal)),
      cache_(kCiphersMax, 4) {}

Result<std::shared_ptr<const SegmentCipher>> SegmentCiphers::get(const SegmentInfo& info) {
  if (auto known = cache_.get(info.uid.value())) return *std::move(known);
  COFFER_ASSIGN(SegmentKeyPair keys, source_.keys(info.data_epoch, info.uid));
  std::shared_ptr<const SegmentCipher> made =
      std::make_shared<SegmentCipher>(vault_, info.uid, cipher_, std::move(keys), on_seal_);
  cache_.put(info.uid.value(), made, 1);
  return made;
}

}  // namespace coffer
