// VaultService: scrub and heal.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>

#include "coffer/core/log.h"
#include "coffer/core/thread_priority.h"
#include "vault/crypto/random.h"
#include "vault/meta/meta_image.h"
#include "vault/upkeep/healer.h"
#include "vault/vault_service.h"

namespace coffer {

/// All that was written so far lies in sealed segments, but for bytes that find no room: those segments are what upkeep works on.
Result<void> VaultService::begin_upkeep() {
  if (read_only_.load()) return {};
  auto committed = commit_and_sync();
  if (!committed && committed.error().code != Errc::NoSpace) return committed;
  COFFER_TRY(segments_->seal_open());
  return sync();
}

Result<void> VaultService::conclude_upkeep(UpkeepReceipt& receipt) {
  const Superblock configuration = configuration_->current();
  for (const Member& member : configuration.members) {
    Volume* const volume =
        read_only_.load() ? volumes_.readable(member.index) : volumes_.writable(member.index);
    if (member.state == MemberState::Replaced || volume != nullptr) continue;
    receipt.unrepaired.push_back(member.path_hint +
                                 " is away: bring it back, or replace it by another volume");
  }
  return read_only_.load() ? Result<void>() : sync();
}

Healer VaultService::healer(const UpkeepOptions& options, Pace& pace, UpkeepReceipt& receipt) {
  HealerDeps deps;
  deps.meta = meta_.get();
  deps.segments = segments_.get();
  deps.inodes = inodes_.get();
  deps.bytes = bytes_.get();
  deps.volumes = &volumes_;
  deps.parity = configuration_->current().parity_shards;
  deps.read_only = read_only_.load();
  deps.commit_all = [this] { return commit_and_sync(); };
  deps.wait_for_appends = [this] { return ledger_->wait_for_appends(parameters_.volume_deadline); };
  return {std::move(deps), options, pace, receipt};
}

/// A mirror whose directory takes no files any more is named no longer; another one is made in its place.
void VaultService::leave_mirror(std::uint8_t member, UpkeepReceipt& receipt) {
  const Superblock now = configuration_->current();
  const bool others = std::ranges::any_of(now.mirrors, [&](const MetaMirror& mirror) {
    const Member* one = now.find_member(mirror.volume);
    return one != nullptr && one->index != member && volumes_.writable(one->index) != nullptr;
  });
  const auto left =
      others ? meta_->leave_out(member,
                                [&] { return leave_configuration(member, MemberState::Current); })
             : Result<void>(fail(Errc::Io, "it is the only one"));
  if (!left)
    receipt.unrepaired.push_back("the metadata mirror on volume " + std::to_string(member) +
                                 " is damaged: " + left.error().context);
}

/// The metadata's files on every mirror, superblocks and key slots on every volume.
void VaultService::scrub_metadata(MetadataRepair repair, UpkeepReceipt& receipt) {
  MetadataCheck check = meta_->verify(repair);
  receipt.metadata_files += check.files;
  std::ranges::move(check.bad, std::back_inserter(receipt.bad));
  std::ranges::move(check.unrepaired, std::back_inserter(receipt.unrepaired));
  const auto tell = [&](const std::string& line) {
    receipt.bad.push_back(line);
    if (repair == MetadataRepair::Look) receipt.unrepaired.push_back(line);
  };
  for (const std::string& path : configuration_->damaged_key_stores())
    tell("key slots on " + path + " are not those in force");
  if (repair == MetadataRepair::Look) {
    for (const std::string& path : configuration_->damaged_superblocks())
      tell("a superblock copy on " + path + " does not verify");
    return;
  }
  for (const std::uint8_t member : check.broken) leave_mirror(member, receipt);
  establish_mirrors(receipt);
  const auto superblocks = configuration_->mend_superblocks();
  for (const std::string& path : superblocks.bad)
    tell("a superblock copy on " + path + " does not verify");
  for (const std::string& line : superblocks.failed)
    receipt.unrepaired.push_back("superblock on " + line);
  for (const std::string& path : configuration_->mirror_key_store())
    receipt.unrepaired.push_back("key slots on " + path + " were not written");
}

Result<UpkeepReceipt> VaultService::scrub(const UpkeepOptions& options) {
  COFFER_ASSIGN(const auto turn, upkeep_turn_.take(UpkeepTurn::Who::Command));
  UpkeepOptions asked = options;
  asked.repair = asked.repair && !read_only_.load();
  UpkeepReceipt receipt;
  Pace pace(asked, upkeep_turn_.stop());
  COFFER_TRY(begin_upkeep());
  scrub_metadata(asked.repair ? MetadataRepair::Repair : MetadataRepair::Look, receipt);
  COFFER_TRY(healer(asked, pace, receipt).heal_segments(Healer::Scope::Everything, {}));
  COFFER_TRY(conclude_upkeep(receipt));
  return receipt;
}

Result<UpkeepReceipt> VaultService::heal(const UpkeepOptions& options) {
  if (read_only_.load()) return fail(Errc::ReadOnly, "the vault is read-only");
  COFFER_ASSIGN(const auto turn, upkeep_turn_.take(UpkeepTurn::Who::Command));
  UpkeepReceipt receipt;
  Pace pace(options, upkeep_turn_.stop());
  COFFER_TRY(begin_upkeep());
  rejoin_all();  // after the sync: it may have found another one that does not answer well
  COFFER_TRY(restore_protection(HealScope::Everything, options, pace, receipt));
  return receipt;
}

/// What is known to lack something is healed while the vault is in use, with the least priority. Looking for what nobody knows is
/// scrub's, and taking volumes back that had failed is for a person to decide.
void VaultService::background_upkeep() {
  constexpr std::chrono::minutes kAfterFailure{10};
  constexpr std::uint64_t kBytesPerSecond = std::uint64_t{200} << 20;
  if (read_only_.load() || std::chrono::steady_clock::now() < upkeep_not_before_) return;
  std::set<SegmentId> suspects;
  {
    MutexLock lock(suspects_mutex_);
    suspects = suspects_;
  }
  UpkeepOptions options;
  options.bytes_per_second = kBytesPerSecond;
  UpkeepReceipt receipt;
  Pace pace(options, upkeep_turn_.stop());
  Healer work = healer(options, pace, receipt);
  if (hopeless_.volumes != volumes_came_.load()) hopeless_ = {volumes_came_.load(), {}};
  work.pass_over(hopeless_.listed);
  const auto has_work = work.has_work();
  if (suspects.empty() && (!has_work || !*has_work) && members_for_mirrors().empty()) return;
  const auto turn = upkeep_turn_.take(UpkeepTurn::Who::Background);
  if (!turn) return;
  lower_this_threads_priority();
  const auto run = [&]() -> Result<void> {
    establish_mirrors(receipt);
    COFFER_TRY(segments_->seal_open());
    COFFER_TRY(sync());
    COFFER_TRY(work.heal_segments(Healer::Scope::Listed, suspects));
    // What still is listed of them lacks more than parity covers: written once more it would be the same.
    COFFER_ASSIGN(auto left, work.left_over());
    for (auto& [segment, listed] : left) hopeless_.listed.insert_or_assign(segment, listed);
    COFFER_TRY(work.move_from_weak_segments());
    return sync();
  };
  const auto done = run();
  const bool failed = (!done && done.error().code != Errc::Cancelled) || !receipt.whole();
  if (failed) upkeep_not_before_ = std::chrono::steady_clock::now() + kAfterFailure;
  if (failed)
    log_warning("heal in the background: {}",
                done ? receipt.unrepaired.front() : done.error().context);
  if (receipt.files_rebuilt + receipt.extents_moved + receipt.mirrors_made > 0)
    log_info("healed in the background: {} shard files, {} extents, {} metadata mirrors",
             receipt.files_rebuilt, receipt.extents_moved, receipt.mirrors_made);
  if (!done) return;
  MutexLock lock(suspects_mutex_);
  for (const SegmentId id : suspects) suspects_.erase(id);
}

/// Members that are away and can be had again. Who cannot is in the receipt.
void VaultService::rejoin_all() {
  const Superblock configuration = configuration_->current();
  for (const Member& member : configuration.members) {
    const bool away = member.state == MemberState::Absent || member.state == MemberState::Stale;
    if (!away || volumes_.writable(member.index) != nullptr) continue;
    if (auto joined = rejoin(member); !joined)
      log_info("{} stays away: {}", member.path_hint, joined.error().context);
  }
}

/// Volumes that should get a metadata mirror so that as many as should be, and can be, have one.
std::vector<std::uint8_t> VaultService::members_for_mirrors() const {
  const Superblock configuration = configuration_->current();
  std::size_t wanted = configuration.parity_shards + std::size_t{1};
  std::vector<std::uint8_t> without;
  for (const Member& member : configuration.members) {
    if (member.state != MemberState::Current || volumes_.writable(member.index) == nullptr)
      continue;
    const bool has_one = std::ranges::any_of(configuration.mirrors, [&](const MetaMirror& mirror) {
      return mirror.volume == member.volume;
    });
    if (!has_one)
      without.push_back(member.index);
    else if (wanted > 0)
      --wanted;
  }
  without.resize(std::min(without.size(), wanted));
  return without;
}

void VaultService::establish_mirrors(UpkeepReceipt& receipt) {
  for (const std::uint8_t member : members_for_mirrors()) {
    if (auto made = add_mirror(member); !made) {
      receipt.unrepaired.push_back("no metadata mirror on " + volumes_.any(member)->path() + ": " +
                                   made.error().context);
      continue;
    }
    ++receipt.mirrors_made;
  }
}

Result<void> VaultService::add_mirror(std::uint8_t member) {
  const MirrorDirectory where{member, DirectoryUid(crypto::random_uuid()),
                              &volumes_.any(member)->files()};
  const auto named = [&] {
    const Superblock now = configuration_->current();
    return std::ranges::find(now.mirrors, where.directory, &MetaMirror::directory) !=
           now.mirrors.end();
  };
  auto added =
      meta_->add_mirror(where, [&](const MetaStore::StillGood& still_good) -> Result<void> {
        auto raised = configuration_->raise([&](Superblock& next) {
          const Member* const one = next.member_at(member);
          // Who fails from here on is taken out by a raise that follows this one.
          if (one == nullptr || one->state != MemberState::Current || !still_good()) return;
          next.mirrors.push_back({one->volume, where.directory});
        });
        // Some volume may name it, and whether the others do decides the next opening.
        if (!raised && named()) become_read_only(raised.error());
        if (raised && !named()) return fail(Errc::Io, "it failed while it was made");
        return raised;
      });
  // What was begun is of no use, and the next attempt takes another directory.
  if (!added && !named()) static_cast<void>(remove_meta_directory(*where.files, where.directory));
  return added;
}

/// Step 6.
Result<void> VaultService::restore_protection(HealScope scope, const UpkeepOptions& options,
                                              Pace& pace, UpkeepReceipt& receipt) {
  constexpr int kRoundsMax = 8;
  establish_mirrors(receipt);
  if (scope == HealScope::Everything) scrub_metadata(MetadataRepair::Repair, receipt);
  Healer work = healer(options, pace, receipt);
  auto next = scope == HealScope::Everything ? Healer::Scope::Everything : Healer::Scope::Known;
  // A segment that writers still had when the others were looked at is sealed a moment later.
  for (int round = 0; round < kRoundsMax; ++round) {
    COFFER_TRY(segments_->seal_open());
    COFFER_TRY(sync());
    COFFER_TRY(work.heal_segments(next, {}));
    COFFER_TRY(work.move_from_weak_segments());
    next = Healer::Scope::Known;
    COFFER_ASSIGN(const bool more, work.has_work());
    if (!more || !receipt.whole()) break;
  }
  return conclude_upkeep(receipt);
}

}  // namespace coffer
