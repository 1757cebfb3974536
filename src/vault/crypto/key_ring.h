#pragma once
/// KeyRing: the epochs of random keys for data and for metadata, sealed under the master.
///
/// Format    docs/format.md §2.3.
/// Owns      the keys. Keys for other purposes are derived from its entries (below), never from the
///           master: only what is random can be destroyed.
/// Threads   const calls from any thread; changes alone.
/// Errors    NotFound (no such epoch, or its key is destroyed), AuthenticationFailed, Corrupt.
/// Invariant Per kind: exactly one epoch is active, the highest; epoch numbers only grow.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/core/strong_id.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

/// On disk: docs/format.md §2.3.
enum class KeyKind : std::uint8_t { Data = 1, Metadata = 2 };
enum class EpochState : std::uint8_t { Active = 1, Retiring = 2, Destroyed = 3 };

using KeyEpoch = StrongId<struct KeyEpochTag, std::uint32_t>;

struct EpochInfo {
  KeyEpoch epoch;
  KeyKind kind = KeyKind::Data;
  EpochState state = EpochState::Active;
  std::int64_t created_unix_s = 0;
};

class KeyRing {
 public:
  /// A new vault's ring: epoch 1 of both kinds.
  static KeyRing create(std::int64_t now_unix_s);

  [[nodiscard]] KeyEpoch active_epoch(KeyKind kind) const;
  [[nodiscard]] const SecretKey& active(KeyKind kind) const;
  /// Valid until the ring changes.
  [[nodiscard]] Result<const SecretKey*> key(KeyKind kind, KeyEpoch epoch) const;
  [[nodiscard]] std::vector<EpochInfo> list() const;

  /// The new epoch is active; the one before is retiring. TooLarge after kEntriesMax epochs.
  Result<KeyEpoch> add_epoch(KeyKind kind, std::int64_t now_unix_s);
  /// Wipes a retiring epoch's key; its number stays taken. Permission for the active one.
  Result<void> destroy_epoch(KeyKind kind, KeyEpoch epoch);

  /// Sealed under the master, bound to the vault and the format version. A fresh nonce every time.
  [[nodiscard]] Result<std::string> seal(const SecretKey& master, VaultUuid vault) const;
  static Result<KeyRing> open(const SecretKey& master, VaultUuid vault, Bytes sealed);

  static constexpr std::size_t kEntriesMax = 1024;

 private:
  struct Entry {
    EpochInfo info;
    SecretKey key;
  };

  KeyRing() = default;
  [[nodiscard]] const Entry& active_entry(KeyKind kind) const;
  Entry* find(KeyKind kind, KeyEpoch epoch);

  std::vector<Entry> entries_;
};

/// The key of one segment's chunks; the nonce is the chunk's ordinal.
SecretKey segment_key(const SecretKey& data_epoch_key, SegmentUid segment);
/// The key of the MACs in one segment's stripe headers.
SecretKey segment_header_mac_key(const SecretKey& data_epoch_key, SegmentUid segment);
/// The key of one sealed metadata file; the nonce is the block's or frame's ordinal.
SecretKey file_key(const SecretKey& metadata_epoch_key, FileUid file);
/// The key of the superblocks' MACs.
SecretKey superblock_mac_key(const SecretKey& metadata_epoch_key, VaultUuid vault);

}  // namespace coffer::crypto
