// VaultService: volumes that take a place while the vault is open: replacements, and members that return (docs/decisions/0012).
#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <thread>

#include "coffer/core/log.h"
#include "vault/crypto/random.h"
#include "vault/meta/meta_image.h"
#include "vault/tree/keys.h"
#include "vault/upkeep/cleaning.h"
#include "vault/upkeep/degraded_list.h"
#include "vault/upkeep/healer.h"
#include "vault/upkeep/receipt.h"
#include "vault/vault_service.h"
#include "vault/volume/bounded_call.h"
#include "vault/volume/io_wait.h"
#include "vault/volume_lock.h"

namespace coffer {
namespace {

constexpr int kEndRoundsMax = 200;
constexpr std::size_t kReplacedKept = 16;

std::uint32_t slot_of_member(const SegmentInfo& info, std::uint8_t member) {
  const auto found = std::ranges::find(info.members, member);
  return static_cast<std::uint32_t>(found - info.members.begin());  // members.size(): none
}

/// What a replacement that was cut short left, or nothing at all.
Result<void> check_unused(Volume& volume, std::string_view key_slots) {
  COFFER_ASSIGN(const std::vector<AreaEntry> entries, volume.files().list(""));
  bool ours = false;
  for (const std::uint64_t generation : {std::uint64_t{0}, std::uint64_t{1}}) {
    const auto bytes = read_file(volume.files(), crypto::key_store_file_name(generation),
                                 ByteCount{crypto::KeyStore::kBytesMax});
    ours = ours || (bytes && *bytes == key_slots);
  }
  for (const AreaEntry& entry : entries) {
    if (entry.name.starts_with("superblock."))
      return fail(Errc::Exists, volume.path() + " is a volume of a vault already");
    const bool harmless = entry.name == "segments" || entry.name == "lost+found" ||
                          entry.name.starts_with("lock") ||
                          (ours && entry.name.starts_with("keyslots."));
    if (!harmless) return fail(Errc::NotEmpty, volume.path() + " is not an empty directory");
  }
  if (ours) return {};
  IoWait<std::vector<std::string>> listing;
  volume.shards().list(listing.completion());
  COFFER_ASSIGN(const auto shards, listing.wait());
  if (!shards.empty()) return fail(Errc::NotEmpty, volume.path() + " is not an empty directory");
  return {};
}

}  // namespace

Result<std::vector<SegmentInfo>> VaultService::segments_on(std::uint8_t member) const {
  std::vector<SegmentInfo> found;
  const std::string from(1, keys::kSegment);
  auto rows = meta_->cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    SegmentInfo info = decode_segment_info(SegmentId{keys::inode_of(rows->key()).value()}, in);
    if (!in.ok()) return fail(Errc::Corrupt, "segment row");
    if (slot_of_member(info, member) < info.members.size()) found.push_back(std::move(info));
  }
  COFFER_TRY(rows->status());
  return found;
}

/// Step 1.
Result<void> VaultService::prepare_fresh(Volume& fresh) {
  COFFER_TRY(VolumeLock::take(fresh, lock_record_));
  COFFER_TRY(check_unused(fresh, configuration_->key_store()));
  COFFER_TRY(VolumeLock::claim(fresh, lock_record_));
  // By them the directory is known for what it is if this is cut short; the raise sees to those in force.
  return write_file_atomically(fresh.files(), crypto::key_store_file_name(0),
                               as_bytes(configuration_->key_store()));
}

/// Step 2: while the old one is well, nothing is less protected for it.
Result<std::set<SegmentId>> VaultService::fill_ahead(std::uint8_t member, Volume& fresh, Pace& pace,
                                                     UpkeepReceipt& receipt) {
  std::set<SegmentId> filled;
  COFFER_ASSIGN(const std::vector<SegmentInfo> segments, segments_on(member));
  for (const SegmentInfo& info : segments) {
    if (const auto survey = segments_->survey(info.id); survey)
      pace.expect(survey->longest_file * (info.k + 1U));
  }
  for (const SegmentInfo& info : segments) {
    if (info.state != SegmentInfo::State::Sealed) continue;
    const auto made = segments_->rebuild_on(info.id, slot_of_member(info, member), fresh,
                                            [&](std::uint64_t bytes) { return pace.step(bytes); });
    if (!made && made.error().code == Errc::NotFound) continue;  // it was removed
    if (!made) return fail(made.error());
    add_reading(receipt, *made);
    add_writing(receipt, *made);
    // What is not known to be whole is looked at again, against the rows, once the volume takes part.
    if (made->unexplained.empty() && made->blocks_without_header == 0) filled.insert(info.id);
  }
  return filled;
}

/// Whether the vault could go on without this member.
Result<void> VaultService::check_dispensable(std::uint8_t member) const {
  const Superblock now = configuration_->current();
  std::size_t others = 0;
  bool mirrored = false;
  for (const Member& one : now.members) {
    if (one.index == member || one.state != MemberState::Current ||
        volumes_.writable(one.index) == nullptr)
      continue;
    ++others;
    mirrored = mirrored || std::ranges::any_of(now.mirrors, [&](const MetaMirror& mirror) {
                 return mirror.volume == one.volume;
               });
  }
  if (others >= raise_quorum(now) && mirrored) return {};
  return fail(
      Errc::NotEnoughVolumes,
      "the vault cannot do without this volume for the moment that it takes: heal it first, "
      "or unmount it and copy the volume");
}

/// Step 3: out of the configuration, and no writer has it any more.
Result<void> VaultService::take_out(std::uint8_t member) {
  if (volumes_.writable(member) != nullptr) {
    COFFER_TRY(check_dispensable(member));
    COFFER_TRY(volume_failed(member, Error{Errc::Io, "it is being replaced"}));
  }
  for (int round = 0; round < kEndRoundsMax; ++round) {
    COFFER_TRY(segments_->seal_open());
    COFFER_TRY(sync());
    if (!segments_->writes_to(member)) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return fail(Errc::Busy, "writes to the volume do not end");
}

/// Step 4.
Result<void> VaultService::list_files(std::uint8_t member, const std::set<SegmentId>& without) {
  COFFER_ASSIGN(const std::vector<SegmentInfo> segments, segments_on(member));
  MetaBatch batch;
  for (const SegmentInfo& info : segments) {
    if (without.contains(info.id)) continue;
    const std::uint32_t slot = slot_of_member(info, member);
    DegradedList::add_file(batch, info.id, static_cast<std::uint8_t>(slot));
    segments_->mark_missing(info.id, slot);
  }
  if (!batch.empty()) COFFER_TRY(meta_->commit(std::move(batch)));
  return sync();
}

/// Step 5: the raise from which on the volume counts. @pre nobody writes to the member
Result<void> VaultService::admit(std::uint8_t member, VolumeUuid volume,
                                 const std::function<void(Superblock&)>& change) {
  volumes_.set_state(member, VolumeSet::State::Joining);
  auto raised = configuration_->raise(change);
  const Superblock now = configuration_->current();
  const Member* in_force = now.find_member(volume);
  segments_->member_returned(member);
  ++volumes_came_;
  if (cleaning_) cleaning_->volumes_came();
  // Who finds it failed between the raise and this makes it Absent, and stays in the right.
  const bool admitted =
      raised && in_force != nullptr && in_force->state == MemberState::Current &&
      volumes_.advance(member, VolumeSet::State::Joining, VolumeSet::State::Current);
  if (!admitted) {
    volumes_.set_state(member, VolumeSet::State::Absent);
    if (!raised) become_read_only(raised.error());
    return raised ? Result<void>(fail(Errc::Io, "the volume takes no superblock")) : raised;
  }
  configuration_->mirror_key_store();
  configuration_->mend_superblocks();  // the raise wrote one copy
  return segments_->seal_open();       // what is written from now on counts on it
}

/// Files of segments that no row knows, and metadata that no configuration names.
void VaultService::remove_leftovers(std::uint8_t member, Volume& volume) {
  const auto segments = segments_on(member);
  IoWait<std::vector<std::string>> listing;
  volume.shards().list(listing.completion());
  const auto names = listing.wait();
  if (!segments || !names) return;
  std::set<std::string> known;
  for (const SegmentInfo& info : *segments) known.insert(info.uid.value().to_string());
  for (const std::string& name : *names) {
    if (known.contains(name)) continue;
    IoWait<void> removal;
    volume.shards().remove(name, removal.completion());
    if (auto removed = removal.wait(); !removed)
      log_warning("dead shard file on volume {} stays: {}", member, removed.error().context);
  }
  const auto entries = volume.files().list("");
  if (!entries) return;
  const Superblock now = configuration_->current();
  for (const AreaEntry& entry : *entries) {
    if (!entry.directory || !entry.name.starts_with("meta.")) continue;
    const auto uid = Uuid::parse(std::string_view(entry.name).substr(5));
    if (!uid) continue;
    const bool named = std::ranges::any_of(
        now.mirrors, [&](const MetaMirror& mirror) { return mirror.directory.value() == *uid; });
    if (!named) static_cast<void>(remove_meta_directory(volume.files(), DirectoryUid(*uid)));
  }
}

Result<std::uint8_t> VaultService::find_member(const std::string& place) const {
  for (const Member& member : configuration_->current().members) {
    if (member.state == MemberState::Replaced) continue;
    if (member.path_hint == place || member.volume.value().to_string() == place)
      return member.index;
  }
  return fail(Errc::NotFound, place + " is not a volume of this vault ('coffer volume list')");
}

Result<UpkeepReceipt> VaultService::replace_volume(std::uint8_t member,
                                                   std::unique_ptr<Volume> fresh,
                                                   const UpkeepOptions& options) {
  if (read_only_.load()) return fail(Errc::ReadOnly, "the vault is read-only");
  COFFER_ASSIGN(const auto turn, upkeep_turn_.take(UpkeepTurn::Who::Command));
  UpkeepReceipt receipt;
  Pace pace(options, upkeep_turn_.stop());
  if (volumes_.writable(member) != nullptr) COFFER_TRY(check_dispensable(member));
  COFFER_TRY(prepare_fresh(*fresh));
  COFFER_TRY(begin_upkeep());
  std::set<SegmentId> filled;
  if (volumes_.writable(member) != nullptr) {
    COFFER_ASSIGN(filled, fill_ahead(member, *fresh, pace, receipt));
  }
  const std::string path = fresh->path();
  // From here on nothing is asked of the old one any more: it may be the reason for all this.
  if (auto taken = take_place(member, std::move(fresh), filled); !taken) {
    give_back(member);
    return fail(std::move(taken).error());
  }
  log_info("volume {} is {} now", member, path);
  COFFER_TRY(restore_protection(HealScope::Known, options, pace, receipt));
  return receipt;
}

/// Steps 3 to 5.
Result<void> VaultService::take_place(std::uint8_t member, std::unique_ptr<Volume> fresh,
                                      const std::set<SegmentId>& filled) {
  COFFER_TRY(take_out(member));
  COFFER_TRY(list_files(member, filled));
  remove_leftovers(member, *fresh);
  const VolumeUuid uuid(crypto::random_uuid());
  const std::string path = fresh->path();
  volumes_.set(member, std::move(fresh), VolumeSet::State::Absent);
  return admit(member, uuid, [&](Superblock& next) {
    for (Member& one : next.members) {
      if (one.index != member || one.state == MemberState::Replaced) continue;
      std::erase_if(next.mirrors, [&](const MetaMirror& m) { return m.volume == one.volume; });
      static_cast<void>(set_member_state(next, one.volume, MemberState::Replaced));
    }
    while (std::ranges::count(next.members, MemberState::Replaced, &Member::state) >
           static_cast<std::ptrdiff_t>(kReplacedKept))
      next.members.erase(std::ranges::find(next.members, MemberState::Replaced, &Member::state));
    Member joined;
    joined.volume = uuid;
    joined.index = member;
    joined.path_hint = path;
    next.members.push_back(std::move(joined));
  });
}

/// A replacement that came to nothing after the old volume had left: while it is still a member, it comes back. All that it was
/// to get meanwhile is listed.
void VaultService::give_back(std::uint8_t member) {
  if (read_only_.load() || volumes_.writable(member) != nullptr) return;
  const Superblock now = configuration_->current();
  const Member* const one = now.member_at(member);
  if (one == nullptr || one->state == MemberState::Replaced) return;
  if (auto joined = rejoin(*one); !joined)
    log_warning("{} stays away until 'coffer heal': {}", one->path_hint, joined.error().context);
}

/// A member that was away and answers again, at its old place.
Result<void> VaultService::rejoin(const Member& member) {
  COFFER_ASSIGN(Returned found, find_returned(member));
  Volume& volume = found.fresh ? *found.fresh : *volumes_.any(member.index);
  COFFER_TRY(VolumeLock::claim(volume, lock_record_));
  COFFER_TRY(take_out(member.index));
  if (!found.left_in_order) {
    log_warning("{} is not as it was when it was last used: all of it is made anew", volume.path());
    COFFER_TRY(list_files(member.index, {}));
  }
  remove_leftovers(member.index, volume);
  if (found.fresh) volumes_.set(member.index, std::move(found.fresh), VolumeSet::State::Absent);
  COFFER_TRY(admit(member.index, member.volume, [&](Superblock& next) {
    static_cast<void>(set_member_state(next, member.volume, MemberState::Current));
  }));
  log_info("volume {} at {} takes part again", member.index, volume.path());
  return {};
}

namespace {
/// What a look at the place of a member found.
struct MemberPlace {
  std::unique_ptr<Volume> fresh;      // null: the object that was at hand
  std::array<std::string, 2> copies;  // of its superblock
};

/// Owns all that it uses: a disk that hangs keeps it for ever.
Result<MemberPlace> look_at_place(const OpenParameters& parameters, const std::string& path,
                                  const LockRecord& record,
                                  const std::shared_ptr<Volume>& at_hand) {
  MemberPlace place;
  if (parameters.open_volume) {
    auto opened = parameters.open_volume(path);
    // A volume that only failed is still locked by this process, through the object that is there.
    if (opened && VolumeLock::take(**opened, record)) place.fresh = std::move(*opened);
  }
  Volume* const volume = place.fresh ? place.fresh.get() : at_hand.get();
  if (volume == nullptr) return fail(Errc::NotFound, "it is not there");
  for (const std::uint8_t slot : {std::uint8_t{0}, std::uint8_t{1}}) {
    auto bytes =
        read_file(volume->files(), superblock_file_name(slot), ByteCount{Superblock::kBytes});
    if (bytes) place.copies[slot] = std::move(*bytes);
  }
  return place;
}
}  // namespace

/// NotFound, Io or TimedOut while it is not to be had.
Result<VaultService::Returned> VaultService::find_returned(const Member& member) {
  // A lock that another machine may hold is watched for three intervals: with the usual deadline there is time for that.
  const std::chrono::milliseconds look_most = 3 * parameters_.volume_deadline;
  const auto at_hand = volumes_.shared(member.index);
  COFFER_ASSIGN(
      MemberPlace place,
      call_bounded<MemberPlace>(
          look_most, [parameters = parameters_, path = member.path_hint, record = lock_record_,
                      at_hand] { return look_at_place(parameters, path, record, at_hand); }));
  std::optional<Superblock> own;
  for (const std::string& bytes : place.copies) {
    const auto parsed = parse_superblock(as_bytes(bytes));
    if (!parsed) continue;
    const auto mac = superblock_mac(keys_->ring, parsed->mac_key_epoch, parsed->vault);
    if (!mac || !verify_superblock_mac(as_bytes(bytes), *mac)) continue;
    if (!own || parsed->sequence > own->sequence) own = *parsed;
  }
  if (!own || own->volume != member.volume || own->vault.value() != uuid_)
    return fail(Errc::NotFound, "what is there is not this volume");
  Returned found;
  found.fresh = std::move(place.fresh);
  found.left_in_order = configuration_digest(*own) == member.last_digest;
  return found;
}

}  // namespace coffer
