#include "vault/crypto/key_ring.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "vault/crypto/kdf.h"
#include "vault/crypto/wrap.h"

namespace coffer::crypto {
namespace {

constexpr std::uint16_t kRingVersion = 1;

// On disk, inside the seal: docs/format.md §2.3. Little-endian.
struct RingHeaderDisk {
  std::uint16_t version;
  std::uint16_t count;
};
struct RingEntryDisk {
  std::uint8_t kind;
  std::uint8_t state;
  std::uint16_t zero;
  std::uint32_t epoch;
  std::int64_t created_unix_s;
  std::array<std::byte, SecretKey::kBytes> key;
};
static_assert(sizeof(RingHeaderDisk) == 4 && sizeof(RingEntryDisk) == 48,
              "docs/format.md §2.3 changes with this");
static_assert(std::has_unique_object_representations_v<RingEntryDisk>, "no padding reaches disk");
static_assert(KeyRing::kEntriesMax <= 0xffff);

std::string ring_aad(VaultUuid vault) {
  std::string aad;
  ByteWriter writer(aad);
  writer.raw("coffer.ring");
  writer.u16(kRingVersion);
  writer.raw(vault.value().bytes());
  return aad;
}

bool plausible(const RingEntryDisk& entry) {
  return entry.kind >= static_cast<std::uint8_t>(KeyKind::Data) &&
         entry.kind <= static_cast<std::uint8_t>(KeyKind::Metadata) &&
         entry.state >= static_cast<std::uint8_t>(EpochState::Active) &&
         entry.state <= static_cast<std::uint8_t>(EpochState::Destroyed) && entry.zero == 0 &&
         entry.epoch != 0;
}

/// Per kind: numbers grow, and the last one, and only it, is active.
bool invariant_holds(const std::vector<EpochInfo>& infos, KeyKind kind) {
  const EpochInfo* last = nullptr;
  for (const EpochInfo& info : infos) {
    if (info.kind != kind) continue;
    if (last != nullptr && (last->epoch >= info.epoch || last->state == EpochState::Active)) {
      return false;
    }
    last = &info;
  }
  return last != nullptr && last->state == EpochState::Active;
}

}  // namespace

KeyRing KeyRing::create(std::int64_t now_unix_s) {
  KeyRing ring;
  for (const KeyKind kind : {KeyKind::Data, KeyKind::Metadata}) {
    ring.entries_.push_back(
        {{KeyEpoch(1), kind, EpochState::Active, now_unix_s}, SecretKey::random()});
  }
  return ring;
}

const KeyRing::Entry& KeyRing::active_entry(KeyKind kind) const {
  return *std::find_if(entries_.rbegin(), entries_.rend(), [&](const Entry& entry) {
    return entry.info.kind == kind && entry.info.state == EpochState::Active;
  });
}

KeyRing::Entry* KeyRing::find(KeyKind kind, KeyEpoch epoch) {
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.info.kind == kind && entry.info.epoch == epoch;
  });
  return at == entries_.end() ? nullptr : &*at;
}

KeyEpoch KeyRing::active_epoch(KeyKind kind) const { return active_entry(kind).info.epoch; }

const SecretKey& KeyRing::active(KeyKind kind) const { return active_entry(kind).key; }

Result<const SecretKey*> KeyRing::key(KeyKind kind, KeyEpoch epoch) const {
  for (const Entry& entry : entries_) {
    if (entry.info.kind != kind || entry.info.epoch != epoch) continue;
    if (entry.info.state == EpochState::Destroyed) {
      return fail(Errc::NotFound, "the key of this epoch was destroyed");
    }
    return &entry.key;
  }
  return fail(Errc::NotFound, "no key of this epoch");
}

std::vector<EpochInfo> KeyRing::list() const {
  std::vector<EpochInfo> infos;
  for (const Entry& entry : entries_) infos.push_back(entry.info);
  return infos;
}

Result<KeyEpoch> KeyRing::add_epoch(KeyKind kind, std::int64_t now_unix_s) {
  if (entries_.size() >= kEntriesMax) return fail(Errc::TooLarge, "the key ring is full");
  const KeyEpoch before = active_epoch(kind);
  const KeyEpoch next(before.value() + 1);
  entries_.push_back({{next, kind, EpochState::Active, now_unix_s}, SecretKey::random()});
  find(kind, before)->info.state = EpochState::Retiring;
  return next;
}

Result<void> KeyRing::destroy_epoch(KeyKind kind, KeyEpoch epoch) {
  Entry* entry = find(kind, epoch);
  if (entry == nullptr) return fail(Errc::NotFound, "no key of this epoch");
  if (entry->info.state == EpochState::Active) {
    return fail(Errc::Permission, "the active epoch's key cannot be destroyed");
  }
  wipe(entry->key.mutable_bytes());
  entry->info.state = EpochState::Destroyed;
  return {};
}

Result<std::string> KeyRing::seal(const SecretKey& master, VaultUuid vault) const {
  SecretString plain;
  const RingHeaderDisk header{kRingVersion, static_cast<std::uint16_t>(entries_.size())};
  plain.resize(sizeof header + entries_.size() * sizeof(RingEntryDisk));
  std::byte* at = plain.mutable_bytes().data();
  std::memcpy(at, &header, sizeof header);
  at += sizeof header;
  for (const Entry& entry : entries_) {
    RingEntryDisk disk{};
    disk.kind = static_cast<std::uint8_t>(entry.info.kind);
    disk.state = static_cast<std::uint8_t>(entry.info.state);
    disk.epoch = entry.info.epoch.value();
    disk.created_unix_s = entry.info.created_unix_s;
    std::memcpy(at, &disk, sizeof disk);
    // The key goes straight from locked memory to locked memory, not by the stack.
    std::memcpy(at + offsetof(RingEntryDisk, key), entry.key.bytes().data(), SecretKey::kBytes);
    at += sizeof disk;
  }
  return wrap(master, as_bytes(ring_aad(vault)), plain.bytes());
}

Result<KeyRing> KeyRing::open(const SecretKey& master, VaultUuid vault, Bytes sealed) {
  COFFER_ASSIGN(const SecretString plain, unwrap(master, as_bytes(ring_aad(vault)), sealed));
  const Bytes bytes = plain.bytes();
  RingHeaderDisk header{};
  if (bytes.size() < sizeof header) return fail(Errc::Corrupt, "key ring: too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kRingVersion || header.count > kEntriesMax ||
      bytes.size() != sizeof header + header.count * sizeof(RingEntryDisk)) {
    return fail(Errc::Corrupt, "key ring: wrong header");
  }
  KeyRing ring;
  for (std::size_t i = 0; i < header.count; ++i) {
    const Bytes raw = bytes.subspan(sizeof header + i * sizeof(RingEntryDisk));
    RingEntryDisk disk{};
    std::memcpy(&disk, raw.data(), offsetof(RingEntryDisk, key));
    if (!plausible(disk)) return fail(Errc::Corrupt, "key ring: wrong entry");
    ring.entries_.push_back(
        {{KeyEpoch(disk.epoch), static_cast<KeyKind>(disk.kind),
          static_cast<EpochState>(disk.state), disk.created_unix_s},
         SecretKey(raw.subspan(offsetof(RingEntryDisk, key), SecretKey::kBytes))});
  }
  const std::vector<EpochInfo> infos = ring.list();
  if (!invariant_holds(infos, KeyKind::Data) || !invariant_holds(infos, KeyKind::Metadata)) {
    return fail(Errc::Corrupt, "key ring: epochs out of order");
  }
  return ring;
}

SecretKey segment_key(const SecretKey& data_epoch_key, SegmentUid segment) {
  return derive_key(data_epoch_key, "segment chunks", segment.value().bytes());
}

SecretKey segment_header_mac_key(const SecretKey& data_epoch_key, SegmentUid segment) {
  return derive_key(data_epoch_key, "segment headers", segment.value().bytes());
}

SecretKey file_key(const SecretKey& metadata_epoch_key, FileUid file) {
  return derive_key(metadata_epoch_key, "metadata file", file.value().bytes());
}

SecretKey superblock_mac_key(const SecretKey& metadata_epoch_key, VaultUuid vault) {
  return derive_key(metadata_epoch_key, "superblock", vault.value().bytes());
}

}  // namespace coffer::crypto
