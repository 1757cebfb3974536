#include "vault/upkeep/cleaning.h"

#include <algorithm>
#include <utility>

#include "vault/segment/segment_owners.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {
namespace {

constexpr int kTriesMax = 2;
// Of the room that survivors have this part is left alone: stripes are padded.
constexpr std::uint64_t kRoomLeft = 8;
// Above this share of what it could hold a segment's files are not asked how long they are.
constexpr double kFullShare = 0.95;
// Syncs until the files of dead segments are gone: rows go after one, files after the next.
constexpr int kSyncsMax = 4;

}  // namespace

std::uint64_t Cleaning::stored_bytes(SegmentId id, std::uint64_t live) {
  const auto appended = deps_.segments->appended_bytes(id);
  if (!appended) return live;
  if (*appended > 0) return *appended;
  {
    MutexLock lock(mutex_);
    if (const auto found = stored_.find(id); found != stored_.end()) return found->second.bytes;
  }
  const auto capacity = deps_.segments->capacity(id);
  if (!capacity || static_cast<double>(live) > kFullShare * static_cast<double>(*capacity))
    return live;
  const auto most = deps_.segments->stored_bytes_max(id);
  if (!most) return live;
  MutexLock lock(mutex_);
  stored_[id] = {*most, false};
  return *most;
}

bool Cleaning::is_known(SegmentId id) const {
  if (const auto appended = deps_.segments->appended_bytes(id); !appended || *appended > 0)
    return true;
  MutexLock lock(mutex_);
  const auto found = stored_.find(id);
  return found == stored_.end() || found->second.known;
}

void Cleaning::ask_owners(SegmentUse& use) {
  std::uint64_t bytes = 0;
  if (const auto owners = deps_.segments->owners(use.id))
    for (const OwnerEntry& entry : owners->entries) bytes += entry.bytes;
  use.stored_bytes = std::max(bytes, use.live_bytes);
  MutexLock lock(mutex_);
  stored_[use.id] = {use.stored_bytes, true};
}

std::vector<SegmentUse> Cleaning::sealed_segments() {
  std::vector<SegmentUse> all;
  const auto live = deps_.ledger->live_in_sealed();
  for (const auto& [id, bytes] : live) {
    const auto shards = deps_.segments->data_shards(id);
    if (!shards) continue;  // it is on its way out
    all.push_back({id, bytes, stored_bytes(id, bytes), *shards});
  }
  MutexLock lock(mutex_);
  std::erase_if(stored_, [&](const auto& known) { return !live.contains(known.first); });
  std::erase_if(in_vain_, [&](const auto& known) { return !live.contains(known.first); });
  return all;
}

void Cleaning::volumes_came() {
  MutexLock lock(mutex_);
  in_vain_.clear();
  mark_when_exhausted_.reset();
}

Cleaning::Use Cleaning::use() {
  Use use;
  for (const SegmentUse& one : sealed_segments()) {
    use.stored_bytes += std::max(one.stored_bytes, one.live_bytes);
    use.dead_bytes += one.dead_bytes();
  }
  return use;
}

bool Cleaning::exhausted() const {
  const std::uint64_t mark = deps_.ledger->change_mark();
  MutexLock lock(mutex_);
  return mark_when_exhausted_ == mark;
}

Result<Cleaning::Outcome> Cleaning::round(const Wish& wish, CleaningReceipt& receipt,
                                          const CleaningPace& pace) {
  switch (turn_.enter()) {
    case CleaningTurn::Entered::AnotherRan:
      return Outcome::AnotherRan;
    case CleaningTurn::Entered::KeptOut:
      return Outcome::KeptOut;
    case CleaningTurn::Entered::Mine:
      break;
  }
  const std::uint64_t mark = deps_.ledger->change_mark();
  Result<Outcome> done = run_round(wish, receipt, pace);
  turn_.leave();
  if ((!done && done.error().code == Errc::NoSpace) || (done && *done == Outcome::Nothing)) {
    MutexLock lock(mutex_);
    mark_when_exhausted_ = mark;
  }
  return done;
}

/// Those of which it is not known how much they hold are looked at before they are taken.
Result<std::vector<SegmentUse>> Cleaning::choose(const Wish& wish, const CleaningPace& pace) {
  std::vector<SegmentUse> all = sealed_segments();
  {
    MutexLock lock(mutex_);
    std::erase_if(all, [&](const SegmentUse& one) {
      const auto tried = in_vain_.find(one.id);
      return (tried != in_vain_.end() && tried->second >= kTriesMax) ||
             (wish.newest && one.id > *wish.newest);
    });
  }
  VictimLimits limits;
  limits.dead_share_min = wish.dead_share_min;
  limits.dead_bytes_min = wish.dead_bytes_min;
  limits.live_bytes_wanted = wish.live_bytes;
  limits.data_shards_now = deps_.segments->data_shards_now();
  COFFER_ASSIGN(const std::uint64_t room, deps_.segments->room(SegmentStore::Stream::Survivors));
  limits.live_bytes_max = room - room / kRoomLeft;
  for (;;) {
    const std::vector<SegmentUse> victims = choose_victims(all, limits);
    bool all_known = true;
    for (const SegmentUse& victim : victims) {
      if (is_known(victim.id)) continue;
      COFFER_TRY(pace.after_piece());
      all_known = false;
      ask_owners(*std::ranges::find(all, victim.id, &SegmentUse::id));
    }
    if (all_known) return victims;
  }
}

Result<Cleaning::Outcome> Cleaning::run_round(const Wish& wish, CleaningReceipt& receipt,
                                              const CleaningPace& pace) {
  COFFER_ASSIGN(const std::vector<SegmentUse> victims, choose(wish, pace));
  if (victims.empty()) return Outcome::Nothing;
  std::set<SegmentId> ids;
  for (const SegmentUse& victim : victims) ids.insert(victim.id);
  ++receipt.rounds;
  const Result<void> moved = CleaningRound(deps_, std::move(ids), receipt, pace).run(wish.owners);
  COFFER_TRY(remove_dead());  // what was brought over before it ended is not in vain
  const bool may_go_on =
      !moved && (moved.error().code == Errc::Cancelled || moved.error().code == Errc::NoSpace);
  const Outcome outcome = take_stock(victims, !may_go_on, receipt);
  const bool enough = outcome == Outcome::Freed && !moved && moved.error().code == Errc::NoSpace;
  if (!moved && !enough) return fail(moved.error());
  return outcome;
}

Result<void> Cleaning::remove_dead() {
  COFFER_TRY(deps_.sync());
  for (int i = 1; i < kSyncsMax && deps_.ledger->reaping(); ++i) COFFER_TRY(deps_.sync());
  return {};
}

Cleaning::Outcome Cleaning::take_stock(const std::vector<SegmentUse>& victims, bool all_tried,
                                       CleaningReceipt& receipt) {
  const auto live = deps_.ledger->live_in_sealed();
  Outcome outcome = Outcome::InVain;
  MutexLock lock(mutex_);
  for (const SegmentUse& victim : victims) {
    if (live.contains(victim.id)) {
      if (all_tried) ++in_vain_[victim.id];
      ++receipt.segments_left;
      continue;
    }
    ++receipt.segments_freed;
    receipt.bytes_freed += victim.stored_bytes;
    outcome = Outcome::Freed;
  }
  return outcome;
}

}  // namespace coffer
