#pragma once
/// Superblock: what a volume knows about its vault. A pure codec; no I/O.
///
/// Format    docs/format.md §1. Two copies, `superblock.0` and `superblock.1`, 16 KiB each, written
///           in turn: sequence s goes to `superblock.<s mod 2>`, so a torn write leaves the other
///           one.
/// Threads   values and pure functions.
/// Errors    Corrupt (not ours or damaged), NotSupported (a newer format), TooLarge (encode).
///
/// Members, mirrors, geometry, key store and history are the configuration: equal on all current
/// volumes of one epoch, and hashed by configuration_digest(). The rest is the volume's own.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/ids.h"
#include "coffer/vault/uuid.h"
#include "vault/crypto/hash.h"
#include "vault/crypto/kdf.h"
#include "vault/crypto/key_ring.h"

namespace coffer {

/// On disk: docs/format.md §1.3.
enum class MemberState : std::uint8_t {
  Current = 1,   // takes part in every write
  Stale = 2,     // missed writes; its verified data shards help, its metadata never
  Absent = 3,    // out of reach; like Stale when it comes back
  Replaced = 4,  // left for ever; its index is free
  Empty = 5,     // new or wiped: nothing of it is used until heal has filled it
};

struct Member {
  VolumeUuid volume;
  std::uint8_t index = 0;  // the number that stripes' volume maps use
  MemberState state = MemberState::Current;
  EpochId stale_since;           // the first epoch without it; 0 while Current
  crypto::Digest last_digest{};  // the configuration before stale_since; zero while Current
  std::string path_hint;         // where it was last seen; not part of the configuration
  bool operator==(const Member&) const = default;
};

struct MetaMirror {
  VolumeUuid volume;
  DirectoryUid directory;
  bool operator==(const MetaMirror&) const = default;
};

struct Superblock {
  static constexpr std::size_t kBytes = 16384;
  static constexpr std::uint16_t kFormatVersion = 1;
  static constexpr std::size_t kMembersMax = 64;
  static constexpr std::size_t kAncestorsMax = 16;
  static constexpr std::size_t kPathHintBytesMax = 1023;
  static constexpr std::uint64_t kKnownIncompatible = 0;
  static constexpr std::uint64_t kKnownReadOnlyCompatible = 0;

  // The configuration.
  std::uint64_t features_incompatible = 0;
  std::uint64_t features_read_only_compatible = 0;
  std::uint64_t features_compatible = 0;
  VaultUuid vault;
  EpochId epoch{1};
  std::int64_t created_unix_s = 0;
  std::uint8_t data_shards = 1;    // default k
  std::uint8_t parity_shards = 0;  // default m
  CipherId cipher = CipherId::Aes256Gcm;
  std::uint32_t chunk_bytes = 16384;
  std::uint64_t key_store_generation = 0;
  crypto::Digest key_store_digest{};
  std::vector<crypto::Digest> ancestors;  // [0] is the parent's, [i] that of epoch - 1 - i
  std::vector<Member> members;
  std::vector<MetaMirror> mirrors;

  // The volume's own.
  VolumeUuid volume;
  std::uint64_t sequence = 0;
  bool clean = false;                 // closed in order; nothing to recover
  std::uint64_t next_inode_hint = 0;  // hints: recovery may start counting here
  std::uint64_t next_segment_hint = 0;
  crypto::KeyEpoch mac_key_epoch;  // the metadata epoch whose key made the MAC

  bool operator==(const Superblock&) const = default;

  [[nodiscard]] const Member* find_member(VolumeUuid id) const;
  [[nodiscard]] Member* find_member(VolumeUuid id);
  /// Who has that index now: one that was replaced had it before.
  [[nodiscard]] const Member* member_at(std::uint8_t index) const;
  /// The digest of the configuration before this one; zero for the first.
  [[nodiscard]] crypto::Digest parent() const;
  /// Features that this version may read but not write.
  [[nodiscard]] bool must_be_read_only() const;
};

/// Exactly Superblock::kBytes. InvalidArgument or TooLarge for what parse() would refuse.
Result<std::string> encode(const Superblock& superblock, const crypto::KeyedMac& mac);
/// Checks size, magic, versions, features, checksum and every bound; not the MAC, whose key needs
/// the key store.
Result<Superblock> parse_superblock(Bytes bytes);
/// AuthenticationFailed unless the MAC is ours. Trust nothing of a parsed superblock before.
Result<void> verify_superblock_mac(Bytes bytes, const crypto::KeyedMac& mac);

/// The key for encode() and verify, from the ring: NotFound if that epoch's key is destroyed.
Result<crypto::KeyedMac> superblock_mac(const crypto::KeyRing& ring, crypto::KeyEpoch epoch,
                                        VaultUuid vault);

/// What all current volumes of one epoch agree on.
crypto::Digest configuration_digest(const Superblock& superblock);

/// The newest valid one of the two copies; Corrupt when neither is, or when they are of different
/// volumes. The index says which file it came from.
struct ChosenCopy {
  Superblock superblock;
  std::uint8_t slot = 0;
};
Result<ChosenCopy> choose_copy(Bytes copy0, Bytes copy1);

/// "superblock.0" or "superblock.1": where the copy with this sequence is written.
std::uint8_t superblock_slot(std::uint64_t sequence);
std::string superblock_file_name(std::uint8_t slot);

}  // namespace coffer
