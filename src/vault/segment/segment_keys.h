#pragma once
/// SegmentKeySource: where the store gets data epoch keys. SegmentCipher: one segment's keys at
/// work.
///
/// Format    docs/format.md §3.2 (key, nonce, AAD of a chunk), §3.3 (MAC of a stripe header).
/// Owns      a SegmentCipher owns its keys (locked memory); the cache of them is bounded.
/// Threads   any.
/// Errors    NotFound (the epoch's key is destroyed), AuthenticationFailed.

#include <cstdint>
#include <functional>
#include <memory>

#include "coffer/core/lru_cache.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/kdf.h"
#include "vault/crypto/key_ring.h"
#include "vault/segment/segment_store.h"

namespace coffer {

/// The two keys of a segment.
struct SegmentKeyPair {
  crypto::SecretKey chunks;
  crypto::SecretKey header_mac;
};

class SegmentKeySource {
 public:
  virtual ~SegmentKeySource() = default;
  /// The epoch under which new segments are made.
  [[nodiscard]] virtual std::uint32_t active_epoch() const = 0;
  [[nodiscard]] virtual Result<SegmentKeyPair> keys(std::uint32_t data_epoch,
                                                    SegmentUid segment) const = 0;
};

/// Over a ring that does not change while it is in use (a vault that rotates keys has its own).
class KeyRingSource final : public SegmentKeySource {
 public:
  explicit KeyRingSource(const crypto::KeyRing& ring) : ring_(ring) {}
  [[nodiscard]] std::uint32_t active_epoch() const override;
  [[nodiscard]] Result<SegmentKeyPair> keys(std::uint32_t data_epoch,
                                            SegmentUid segment) const override;

 private:
  const crypto::KeyRing& ring_;
};

/// The pair out of one epoch key: what every SegmentKeySource does.
SegmentKeyPair derive_segment_keys(const crypto::SecretKey& data_epoch_key, SegmentUid segment);

class SegmentCipher {
 public:
  using OnSeal = std::function<void(SegmentUid, std::uint32_t)>;

  SegmentCipher(VaultUuid vault, SegmentUid segment, CipherId cipher, SegmentKeyPair keys,
                OnSeal on_seal);

  /// @pre out.size() == plain.size() + kTagBytes
  Result<void> seal(std::uint32_t ordinal, Bytes plain, MutableBytes out) const;
  /// @pre out.size() == sealed.size() - kTagBytes
  Result<void> open(std::uint32_t ordinal, Bytes sealed, MutableBytes out) const;

  [[nodiscard]] const crypto::KeyedMac& header_mac() const { return header_mac_; }

 private:
  const VaultUuid vault_;
  const SegmentUid segment_;
  const crypto::Aead aead_;
  const crypto::KeyedMac header_mac_;
  const OnSeal on_seal_;
};

/// The ciphers of the segments in use; bounded, since each holds locked memory.
class SegmentCiphers {
 public:
  SegmentCiphers(const SegmentKeySource& source, VaultUuid vault, CipherId cipher,
                 SegmentCipher::OnSeal on_seal);
  Result<std::shared_ptr<const SegmentCipher>> get(const SegmentInfo& info);
  /// Wipes the keys of a removed segment once nobody uses them any more.
  void forget(const SegmentInfo& info) { cache_.erase(info.uid.value()); }
  [[nodiscard]] const SegmentKeySource& source() const { return source_; }

 private:
  static constexpr std::size_t kCiphersMax = 256;

  const SegmentKeySource& source_;
  const VaultUuid vault_;
  const CipherId cipher_;
  const SegmentCipher::OnSeal on_seal_;
  LruCache<Uuid, std::shared_ptr<const SegmentCipher>> cache_;
};

}  // namespace coffer
