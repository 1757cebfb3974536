#include "vault/volume/superblock.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coffer {
namespace {

// On disk: docs/format.md §1.1. Little-endian.
constexpr std::string_view kMagic = "COFFERSB";
constexpr std::size_t kFixedBytes = 168;
constexpr std::size_t kMemberFixedBytes = 60;
constexpr std::size_t kMirrorBytes = 32;
constexpr std::size_t kMacBytes = sizeof(crypto::KeyedMac::Mac32);
constexpr std::size_t kMacAt = Superblock::kBytes - sizeof(crypto::Checksum) - kMacBytes;
constexpr std::size_t kChecksumAt = kMacAt + kMacBytes;
static_assert(kMacAt == 16336 && kChecksumAt == 16368, "docs/format.md §1.1 changes with this");
constexpr std::size_t kMirrorsMax = Superblock::kMembersMax;
constexpr std::uint8_t kFlagClean = 1;
constexpr unsigned kShardsMax = 32;
constexpr std::uint32_t kChunkBytesMin = 4096;
constexpr std::uint32_t kChunkBytesMax = 1U << 20;

crypto::Digest read_digest(ByteReader& reader) {
  crypto::Digest digest{};
  const Bytes raw = reader.raw(digest.size());
  if (raw.size() == digest.size()) std::memcpy(digest.data(), raw.data(), raw.size());
  return digest;
}

Uuid read_uuid(ByteReader& reader) { return Uuid::from_bytes(reader.raw(Uuid::kBytes)); }

/// What both encode() and parse() insist on, beyond lengths.
bool plausible(const Superblock& sb) {
  if (sb.vault.value().is_nil() || sb.volume.value().is_nil() || sb.epoch.value() == 0 ||
      sb.data_shards == 0 || unsigned{sb.data_shards} + sb.parity_shards > kShardsMax ||
      sb.chunk_bytes < kChunkBytesMin || sb.chunk_bytes > kChunkBytesMax ||
      sb.ancestors.size() > Superblock::kAncestorsMax || sb.ancestors.size() >= sb.epoch.value() ||
      sb.members.empty() || sb.members.size() > Superblock::kMembersMax ||
      sb.mirrors.size() > kMirrorsMax || sb.find_member(sb.volume) == nullptr) {
    return false;
  }
  for (const Member& member : sb.members) {
    const bool in = member.state == MemberState::Current;
    if (member.volume.value().is_nil() || member.path_hint.size() > Superblock::kPathHintBytesMax ||
        member.stale_since > sb.epoch || (in && member.stale_since.value() != 0) ||
        std::count_if(sb.members.begin(), sb.members.end(),
                      [&](const Member& m) { return m.volume == member.volume; }) != 1) {
      return false;
    }
    // A live index names one volume; a replaced member's index may be taken again.
    if (member.state != MemberState::Replaced &&
        std::count_if(sb.members.begin(), sb.members.end(), [&](const Member& m) {
          return m.index == member.index && m.state != MemberState::Replaced;
        }) != 1) {
      return false;
    }
  }
  return std::all_of(sb.mirrors.begin(), sb.mirrors.end(), [&](const MetaMirror& mirror) {
    return sb.find_member(mirror.volume) != nullptr && !mirror.directory.value().is_nil();
  });
}

void write_member(ByteWriter& writer, const Member& member) {
  writer.raw(member.volume.value().bytes());
  writer.u8(member.index);
  writer.u8(static_cast<std::uint8_t>(member.state));
  writer.u16(static_cast<std::uint16_t>(member.path_hint.size()));
  writer.u64(member.stale_since.value());
  writer.raw(Bytes(member.last_digest));
  writer.raw(member.path_hint);
}

Result<Member> read_member(ByteReader& reader) {
  Member member;
  member.volume = VolumeUuid(read_uuid(reader));
  member.index = reader.u8();
  const std::uint8_t state = reader.u8();
  const std::uint16_t hint_bytes = reader.u16();
  member.stale_since = EpochId(reader.u64());
  member.last_digest = read_digest(reader);
  member.path_hint = reader.text(hint_bytes);
  if (!reader.ok() || state < static_cast<std::uint8_t>(MemberState::Current) ||
      state > static_cast<std::uint8_t>(MemberState::Empty)) {
    return fail(Errc::Corrupt, "superblock: a member's entry");
  }
  member.state = static_cast<MemberState>(state);
  return member;
}

std::size_t body_size(const Superblock& sb) {
  std::size_t size =
      kFixedBytes + sb.ancestors.size() * sizeof(crypto::Digest) + sb.mirrors.size() * kMirrorBytes;
  for (const Member& member : sb.members) size += kMemberFixedBytes + member.path_hint.size();
  return size;
}

void write_fixed(ByteWriter& writer, const Superblock& sb) {
  writer.raw(kMagic);
  writer.u16(Superblock::kFormatVersion);
  writer.u16(Superblock::kFormatVersion);  // the oldest version that can read this
  writer.u32(static_cast<std::uint32_t>(body_size(sb)));
  writer.u64(sb.features_incompatible);
  writer.u64(sb.features_read_only_compatible);
  writer.u64(sb.features_compatible);
  writer.raw(sb.vault.value().bytes());
  writer.raw(sb.volume.value().bytes());
  writer.u64(sb.sequence);
  writer.u64(sb.epoch.value());
  writer.i64(sb.created_unix_s);
  writer.u8(sb.data_shards);
  writer.u8(sb.parity_shards);
  writer.u8(static_cast<std::uint8_t>(sb.cipher));
  writer.u8(sb.clean ? kFlagClean : 0);
  writer.u32(sb.chunk_bytes);
  writer.u32(sb.mac_key_epoch.value());
  writer.u8(static_cast<std::uint8_t>(sb.members.size()));
  writer.u8(static_cast<std::uint8_t>(sb.mirrors.size()));
  writer.u8(static_cast<std::uint8_t>(sb.ancestors.size()));
  writer.u8(0);
  writer.u64(sb.next_inode_hint);
  writer.u64(sb.next_segment_hint);
  writer.u64(sb.key_store_generation);
  writer.raw(Bytes(sb.key_store_digest));
}

struct Counts {
  std::size_t body = 0;
  std::size_t members = 0;
  std::size_t mirrors = 0;
  std::size_t ancestors = 0;
};

/// @pre magic and versions are read and checked.
Result<Counts> read_fixed(ByteReader& reader, Superblock& sb) {
  Counts counts;
  counts.body = reader.u32();
  sb.features_incompatible = reader.u64();
  sb.features_read_only_compatible = reader.u64();
  sb.features_compatible = reader.u64();
  sb.vault = VaultUuid(read_uuid(reader));
  sb.volume = VolumeUuid(read_uuid(reader));
  sb.sequence = reader.u64();
  sb.epoch = EpochId(reader.u64());
  sb.created_unix_s = reader.i64();
  sb.data_shards = reader.u8();
  sb.parity_shards = reader.u8();
  const std::uint8_t cipher = reader.u8();
  const std::uint8_t flags = reader.u8();
  sb.chunk_bytes = reader.u32();
  sb.mac_key_epoch = crypto::KeyEpoch(reader.u32());
  counts.members = reader.u8();
  counts.mirrors = reader.u8();
  counts.ancestors = reader.u8();
  const std::uint8_t zero = reader.u8();
  sb.next_inode_hint = reader.u64();
  sb.next_segment_hint = reader.u64();
  sb.key_store_generation = reader.u64();
  sb.key_store_digest = read_digest(reader);
  if ((flags & ~kFlagClean) != 0 || zero != 0) {
    return fail(Errc::Corrupt, "superblock: reserved bits are set");
  }
  sb.clean = (flags & kFlagClean) != 0;
  COFFER_ASSIGN(sb.cipher, cipher_from_disk(cipher));
  return counts;
}

Result<void> read_lists(ByteReader& reader, const Counts& counts, Superblock& sb) {
  for (std::size_t i = 0; i < counts.ancestors; ++i) sb.ancestors.push_back(read_digest(reader));
  for (std::size_t i = 0; i < counts.members; ++i) {
    COFFER_ASSIGN(Member member, read_member(reader));
    sb.members.push_back(std::move(member));
  }
  for (std::size_t i = 0; i < counts.mirrors; ++i) {
    const VolumeUuid volume(read_uuid(reader));
    sb.mirrors.push_back({volume, DirectoryUid(read_uuid(reader))});
  }
  if (!reader.ok()) return fail(Errc::Corrupt, "superblock: lists run past its end");
  return {};
}

/// The version of who wrote it, which may be newer than ours as long as we may read it.
Result<std::uint16_t> read_version(ByteReader& reader) {
  const std::uint16_t version = reader.u16();
  const std::uint16_t min_reader = reader.u16();
  if (version == 0 || min_reader > version) return fail(Errc::Corrupt, "superblock: versions");
  if (min_reader > Superblock::kFormatVersion) {
    return fail(Errc::NotSupported, "the vault was written by a newer version of coffer");
  }
  return version;
}

}  // namespace

const Member* Superblock::find_member(VolumeUuid id) const {
  const auto at = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.volume == id; });
  return at == members.end() ? nullptr : &*at;
}

Member* Superblock::find_member(VolumeUuid id) {
  const auto at = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.volume == id; });
  return at == members.end() ? nullptr : &*at;
}

const Member* Superblock::member_at(std::uint8_t index) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) {
    return m.index == index && m.state != MemberState::Replaced;
  });
  return found == members.end() ? nullptr : &*found;
}

crypto::Digest Superblock::parent() const {
  return ancestors.empty() ? crypto::Digest{} : ancestors.front();
}

bool Superblock::must_be_read_only() const {
  return (features_read_only_compatible & ~kKnownReadOnlyCompatible) != 0;
}

Result<std::string> encode(const Superblock& superblock, const crypto::KeyedMac& mac) {
  if (!plausible(superblock)) {
    return fail(Errc::InvalidArgument, "superblock: inconsistent configuration");
  }
  if (body_size(superblock) > kMacAt) {
    return fail(Errc::TooLarge, "superblock: too many volumes or too long paths");
  }
  std::string bytes;
  bytes.reserve(Superblock::kBytes);
  ByteWriter writer(bytes);
  write_fixed(writer, superblock);
  for (const crypto::Digest& ancestor : superblock.ancestors) writer.raw(Bytes(ancestor));
  for (const Member& member : superblock.members) write_member(writer, member);
  for (const MetaMirror& mirror : superblock.mirrors) {
    writer.raw(mirror.volume.value().bytes());
    writer.raw(mirror.directory.value().bytes());
  }
  bytes.resize(kMacAt, '\0');
  writer.raw(Bytes(mac.mac32(as_bytes(bytes))));
  writer.raw(Bytes(crypto::checksum(as_bytes(bytes))));
  return bytes;
}

Result<Superblock> parse_superblock(Bytes bytes) {
  if (bytes.size() != Superblock::kBytes) return fail(Errc::Corrupt, "superblock: wrong size");
  ByteReader reader(bytes.first(kMacAt));
  if (reader.text(kMagic.size()) != kMagic) return fail(Errc::Corrupt, "superblock: not one");
  // The checksum comes first: a flipped bit in the version must not read as "newer version".
  const crypto::Checksum sum = crypto::checksum(bytes.first(kChecksumAt));
  if (as_text(sum) != as_text(bytes.subspan(kChecksumAt))) {
    return fail(Errc::Corrupt, "superblock: checksum");
  }
  COFFER_ASSIGN(const std::uint16_t version, read_version(reader));
  Superblock sb;
  COFFER_ASSIGN(const Counts counts, read_fixed(reader, sb));
  if ((sb.features_incompatible & ~Superblock::kKnownIncompatible) != 0) {
    return fail(Errc::NotSupported, "the vault has features that this version does not know");
  }
  COFFER_TRY(read_lists(reader, counts, sb));
  // A newer writer may add to the end of the body; we neither read nor may we write that.
  const std::size_t added = counts.body - std::min(counts.body, body_size(sb));
  reader.raw(added);
  const Bytes padding = reader.raw(reader.remaining());
  if (!reader.ok() || counts.body != body_size(sb) + added ||
      (added != 0 && version == Superblock::kFormatVersion) || !plausible(sb) ||
      std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{0}; })) {
    return fail(Errc::Corrupt, "superblock: inconsistent");
  }
  return sb;
}

Result<void> verify_superblock_mac(Bytes bytes, const crypto::KeyedMac& mac) {
  if (bytes.size() != Superblock::kBytes ||
      !mac.verify(bytes.first(kMacAt), bytes.subspan(kMacAt, kMacBytes))) {
    return fail(Errc::AuthenticationFailed, "a superblock was changed by somebody else");
  }
  return {};
}

Result<crypto::KeyedMac> superblock_mac(const crypto::KeyRing& ring, crypto::KeyEpoch epoch,
                                        VaultUuid vault) {
  COFFER_ASSIGN(const crypto::SecretKey* key, ring.key(crypto::KeyKind::Metadata, epoch));
  return crypto::KeyedMac(crypto::superblock_mac_key(*key, vault));
}

crypto::Digest configuration_digest(const Superblock& sb) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.raw("coffer.configuration.v1");
  writer.u64(sb.features_incompatible);
  writer.u64(sb.features_read_only_compatible);
  writer.u64(sb.features_compatible);
  writer.raw(sb.vault.value().bytes());
  writer.u64(sb.epoch.value());
  writer.i64(sb.created_unix_s);
  writer.u8(sb.data_shards);
  writer.u8(sb.parity_shards);
  writer.u8(static_cast<std::uint8_t>(sb.cipher));
  writer.u32(sb.chunk_bytes);
  writer.u64(sb.key_store_generation);
  writer.raw(Bytes(sb.key_store_digest));
  writer.raw(Bytes(sb.parent()));
  writer.u32(static_cast<std::uint32_t>(sb.members.size()));
  for (const Member& member : sb.members) {
    writer.raw(member.volume.value().bytes());
    writer.u8(member.index);
    writer.u8(static_cast<std::uint8_t>(member.state));
    writer.u64(member.stale_since.value());
    writer.raw(Bytes(member.last_digest));
  }
  writer.u32(static_cast<std::uint32_t>(sb.mirrors.size()));
  for (const MetaMirror& mirror : sb.mirrors) {
    writer.raw(mirror.volume.value().bytes());
    writer.raw(mirror.directory.value().bytes());
  }
  return crypto::digest(as_bytes(bytes));
}

Result<ChosenCopy> choose_copy(Bytes copy0, Bytes copy1) {
  auto first = parse_superblock(copy0);
  auto second = parse_superblock(copy1);
  if (!first && !second) {
    // A newer version's copy says more than a torn one beside it.
    const bool newer = second.error().code == Errc::NotSupported;
    return fail(newer ? std::move(second).error() : std::move(first).error());
  }
  if (first && second) {
    if (first->vault != second->vault || first->volume != second->volume) {
      return fail(Errc::Corrupt, "the two superblock copies are of different volumes");
    }
    if (second->sequence > first->sequence) return ChosenCopy{std::move(*second), 1};
    return ChosenCopy{std::move(*first), 0};
  }
  if (first) return ChosenCopy{std::move(*first), 0};
  return ChosenCopy{std::move(*second), 1};
}

std::uint8_t superblock_slot(std::uint64_t sequence) {
  return static_cast<std::uint8_t>(sequence % 2);
}

std::string superblock_file_name(std::uint8_t slot) {
  return slot == 0 ? "superblock.0" : "superblock.1";
}

}  // namespace coffer
