#include "vault/upkeep/healer.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>

#include "coffer/core/log.h"
#include "vault/meta/meta_store.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/keys.h"
#include "vault/upkeep/degraded_list.h"
#include "vault/upkeep/extent_walk.h"
#include "vault/upkeep/receipt.h"
#include "vault/volume/volume_set.h"

namespace coffer {
namespace {

constexpr int kRoundsMax = 3;

std::string name_of(const SegmentInfo& info) {
  return "segment " + std::to_string(info.id.value());
}

}  // namespace

void Healer::unrepaired(std::string line) { add_unrepaired(receipt_, std::move(line)); }

Result<std::vector<SegmentInfo>> Healer::sealed_segments() const {
  COFFER_ASSIGN(std::vector<SegmentInfo> found, all_segments());
  if (!deps_.read_only)
    std::erase_if(found,
                  [](const SegmentInfo& info) { return info.state != SegmentInfo::State::Sealed; });
  return found;
}

Result<std::vector<SegmentInfo>> Healer::all_segments() const {
  std::vector<SegmentInfo> found;
  const std::string from(1, keys::kSegment);
  auto rows = deps_.meta->cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->value());
    SegmentInfo info = decode_segment_info(SegmentId{keys::inode_of(rows->key()).value()}, in);
    if (!in.ok()) return fail(Errc::Corrupt, "segment row");
    found.push_back(std::move(info));
  }
  COFFER_TRY(rows->status());
  return found;
}

std::uint32_t Healer::current_slots(const SegmentInfo& info) const {
  std::uint32_t slots = 0;
  for (std::size_t slot = 0; slot < info.members.size(); ++slot) {
    if (deps_.volumes->writable(info.members[slot]) != nullptr) slots |= 1U << slot;
  }
  return slots;
}

std::uint32_t Healer::slots_of(const Job& job) const {
  const auto shards = static_cast<std::uint32_t>(job.info.members.size());
  std::uint32_t slots = job.listed.slots | job.missing;
  for (const auto& [stripe, bits] : job.listed.stripes) {
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
      if ((bits >> shard & 1U) != 0) slots |= 1U << slot_of(stripe, shard, shards);
    }
  }
  return slots & current_slots(job.info);
}

Result<std::vector<Healer::Job>> Healer::plan(Scope scope, const std::set<SegmentId>& suspects) {
  COFFER_ASSIGN(const std::vector<SegmentInfo> segments, sealed_segments());
  COFFER_ASSIGN(auto listed, DegradedList(*deps_.meta).read());
  std::vector<Job> jobs;
  for (const SegmentInfo& info : segments) {
    Job job{info, {}, 0, scope == Scope::Everything || suspects.contains(info.id), {}};
    const auto found = listed.find(info.id);
    if (found != listed.end()) job.listed = found->second;
    const bool known = slots_of(job) == 0 || passed_over(info.id, job.listed);
    if (scope == Scope::Listed && !job.look && known) continue;
    const auto survey = deps_.segments->survey(info.id);
    if (!survey) continue;  // removed meanwhile
    job.missing = survey->missing_slots;
    const std::uint64_t shard_bytes = survey->longest_file;
    const auto slots = static_cast<std::uint64_t>(std::popcount(slots_of(job)));
    if (job.look) pace_.expect(shard_bytes * info.members.size());
    if (slots > 0) pace_.expect(shard_bytes * (info.k + slots));
    if (job.look || slots > 0) jobs.push_back(std::move(job));
  }
  COFFER_TRY(drop_rows_of_dead(listed));
  COFFER_TRY(find_needed(jobs));
  // What protects least comes first.
  std::ranges::stable_sort(jobs, std::greater{},
                           [&](const Job& job) { return std::popcount(slots_of(job)); });
  return jobs;
}

/// Rows for segments that went away while they were added.
Result<void> Healer::drop_rows_of_dead(const std::map<SegmentId, ListedShards>& listed) {
  if (!options_.repair) return {};
  MetaBatch batch;
  for (const auto& [id, shards] : listed) {
    if (!deps_.segments->survey(id)) DegradedList::drop(batch, id);
  }
  if (batch.empty()) return {};
  return deps_.meta->commit(std::move(batch)).map([](CommitPosition) {});
}

/// Which stripes extents lie in. The jobs' segments are sealed: whatever was ever appended to them is in rows after the commit.
Result<void> Healer::find_needed(std::vector<Job>& jobs) {
  if (jobs.empty()) return {};
  if (options_.repair) {
    COFFER_TRY(deps_.wait_for_appends());
    auto committed = deps_.commit_all();
    // Bytes that find no room are in no segment.
    if (!committed && committed.error().code != Errc::NoSpace) return committed;
  }
  const auto keep_each_once = [](std::vector<std::uint32_t>& stripes) {
    std::ranges::sort(stripes);
    stripes.erase(std::ranges::unique(stripes).begin(), stripes.end());
  };
  std::unordered_map<SegmentId, std::vector<std::uint32_t>*> by_segment;
  for (Job& job : jobs) by_segment.emplace(job.info.id, &job.needed);
  COFFER_TRY(walk_extents(*deps_.meta, [&](InodeId, const Extent& extent) {
    if (extent.is_inline) return;
    const auto found = by_segment.find(extent.place.segment);
    if (found == by_segment.end()) return;
    std::vector<std::uint32_t>& stripes = *found->second;
    if (!stripes.empty() && stripes.back() == extent.place.stripe) return;
    // Many small files lie in one stripe, in any order: before the list grows it is made short.
    if (stripes.size() == stripes.capacity()) keep_each_once(stripes);
    stripes.push_back(extent.place.stripe);
  }));
  for (Job& job : jobs) keep_each_once(job.needed);
  return {};
}

Result<void> Healer::heal_segments(Scope scope, const std::set<SegmentId>& suspects) {
  COFFER_ASSIGN(const std::vector<Job> jobs, plan(scope, suspects));
  for (const Job& job : jobs) {
    auto done = run(job);
    if (done || done.error().code == Errc::NotFound) continue;  // NotFound: it was removed
    if (done.error().code == Errc::Cancelled) return done;
    unrepaired(name_of(job.info) + ": " + done.error().context);
  }
  return {};
}

void Healer::Findings::add(const SegmentReceipt& receipt) {
  seen.insert(receipt.stripes.begin(), receipt.stripes.end());
  lost.insert(receipt.unexplained.begin(), receipt.unexplained.end());
  unverified.insert(receipt.unverified.begin(), receipt.unverified.end());
  rebuilt_slots |= receipt.rebuilt_slots;
  gave_up = gave_up || receipt.gave_up;
  std::map<std::uint32_t, std::uint32_t> now;
  for (const ShardFault& fault : receipt.faults) {
    if (!lost.contains(fault.shard.stripe)) ++now[fault.slot];
  }
  for (const auto& [slot, faults] : now) bad[slot] = std::max(bad[slot], faults);
}

std::set<std::uint32_t> Healer::Findings::unseen(const Job& job) const {
  std::set<std::uint32_t> found;
  for (const std::uint32_t stripe : job.needed) {
    if (!seen.contains(stripe) && !lost.contains(stripe)) found.insert(stripe);
  }
  return found;
}

Result<void> Healer::run(const Job& job) {
  Findings findings;
  auto done = look_and_rebuild(job, findings);
  if (done) finished_.insert(job.info.id);
  const bool removed = !done && done.error().code == Errc::NotFound;
  if (!removed) tell(job, findings);
  return done;
}

Result<void> Healer::look_and_rebuild(const Job& job, Findings& findings) {
  std::uint32_t slots = slots_of(job);
  if (job.look) {
    COFFER_ASSIGN(slots, look(job, findings));
  }
  if (!options_.repair || slots == 0) return {};
  return rebuild(job, slots, findings);
}

/// Reads everything; says which files are worth making anew.
Result<std::uint32_t> Healer::look(const Job& job, Findings& findings) {
  COFFER_ASSIGN(const SegmentReceipt found,
                deps_.segments->check(job.info.id, job.listed,
                                      [&](std::uint64_t bytes) { return pace_.step(bytes); }));
  add_reading(receipt_, found);
  findings.add(found);
  const std::set<std::uint32_t> unseen = findings.unseen(job);
  if (found.unexplained.empty() && unseen.empty())
    return (slots_of(job) | found.fixable_slots) & current_slots(job.info);
  // What nobody can tell is listed, and a file in which nothing else is wrong is not written again for it.
  if (options_.repair) {
    MetaBatch batch;
    for (const std::uint32_t stripe : unseen) DegradedList::add_stripe(batch, job.info, stripe);
    for (const ShardFault& fault : found.faults) DegradedList::add_lost(batch, found, fault);
    if (!batch.empty()) COFFER_TRY(deps_.meta->commit(std::move(batch)));
  }
  return found.fixable_slots & current_slots(job.info);
}

Result<void> Healer::rebuild(const Job& job, std::uint32_t slots, Findings& findings) {
  for (int round = 0; round < kRoundsMax; ++round) {
    COFFER_ASSIGN(const SegmentReceipt done,
                  deps_.segments->rebuild(job.info.id, slots, job.listed,
                                          [&](std::uint64_t bytes) { return pace_.step(bytes); }));
    findings.add(done);
    if (round == 0 && !job.look) add_reading(receipt_, done);
    add_writing(receipt_, done);
    // Others of which it was found on the way that they are not right either.
    const std::uint32_t more =
        done.fixable_slots & ~findings.rebuilt_slots & current_slots(job.info);
    MetaBatch batch;
    DegradedList::settle(batch, job.info, job.listed, done, findings.unseen(job));
    if (!batch.empty()) COFFER_TRY(deps_.meta->commit(std::move(batch)));
    if (more == 0) break;
    slots = more;
  }
  log_info("segment {}: {} shard files made anew", job.info.id,
           std::popcount(findings.rebuilt_slots));
  return {};
}

void Healer::tell(const Job& job, const Findings& findings) {
  const std::string stripe_of = name_of(job.info) + ": stripe ";
  for (const std::uint32_t stripe : findings.lost)
    unrepaired(stripe_of + std::to_string(stripe) + " lacks more shards than parity covers");
  const bool was_read = job.look || findings.rebuilt_slots != 0;
  if (was_read) {
    for (const std::uint32_t stripe : findings.unseen(job))
      unrepaired(stripe_of + std::to_string(stripe) +
                 ": files need it, and no volume has a header of it that can be read");
  }
  for (const std::uint32_t stripe : findings.unverified)
    unrepaired(stripe_of + std::to_string(stripe) +
               ": chunks of it do not verify, though its shards agree");
  if (findings.gave_up)
    unrepaired(name_of(job.info) +
               ": not every set of shards was tried for one whose chunks verify");
  std::uint64_t left = 0;
  for (const auto& [slot, faults] : findings.bad) {
    if ((findings.rebuilt_slots >> slot & 1U) == 0) left += faults;
  }
  if (left > 0)
    unrepaired(
        name_of(job.info) + ": " + std::to_string(left) +
        (options_.repair ? " bad shards were not made anew" : " bad shards were only looked at"));
}

bool Healer::passed_over(SegmentId segment, const ListedShards& listed) const {
  if (passed_over_ == nullptr) return false;
  const auto before = passed_over_->find(segment);
  return before != passed_over_->end() && before->second == listed;
}

Result<std::map<SegmentId, ListedShards>> Healer::left_over() const {
  COFFER_ASSIGN(auto listed, DegradedList(*deps_.meta).read());
  std::erase_if(listed, [&](const auto& one) { return !finished_.contains(one.first); });
  return listed;
}

/// What a new segment would get.
std::size_t Healer::best_parity() const {
  const std::size_t current = deps_.volumes->with_state(VolumeSet::State::Current).size();
  return std::min<std::size_t>(deps_.parity, current == 0 ? 0 : current - 1);
}

Result<bool> Healer::has_work() {
  COFFER_ASSIGN(const std::vector<SegmentInfo> segments, all_segments());
  COFFER_ASSIGN(const auto listed, DegradedList(*deps_.meta).read());
  const std::size_t best = best_parity();
  return std::ranges::any_of(segments, [&](const SegmentInfo& info) {
    const auto found = listed.find(info.id);
    const bool sealed = info.state == SegmentInfo::State::Sealed;
    const bool lacks = sealed && found != listed.end() && !passed_over(info.id, found->second) &&
                       slots_of({info, found->second, 0, false, {}}) != 0;
    return lacks || info.m < best;  // one that is open is sealed before it is worked on
  });
}

Result<void> Healer::move_from_weak_segments() {
  if (!options_.repair) return {};
  const std::size_t best = best_parity();
  COFFER_ASSIGN(const std::vector<SegmentInfo> segments, sealed_segments());
  std::set<SegmentId> weak;
  for (const SegmentInfo& info : segments) {
    if (info.m < best) weak.insert(info.id);
  }
  if (weak.empty()) return {};
  std::string from;
  do {
    COFFER_ASSIGN(from, move_some(weak, std::move(from)));
  } while (!from.empty());
  return deps_.commit_all();
}

/// Extents from one row on, so many that their list stays small. Says where the next ones begin.
Result<std::string> Healer::move_some(const std::set<SegmentId>& weak, std::string from) {
  constexpr std::size_t kExtentsAtOnce = 10'000;
  std::vector<Reference> extents;
  COFFER_ASSIGN(std::string next,
                walk_extents(
                    *deps_.meta, std::move(from),
                    [&](InodeId inode, const Extent& extent) {
                      if (extent.is_inline || !weak.contains(extent.place.segment)) return;
                      extents.push_back({inode, ByteOffset{extent.offset}, ByteCount{extent.length},
                                         extent.place, extent.skip});
                    },
                    [&] { return extents.size() >= kExtentsAtOnce; }));
  for (const Reference& extent : extents) COFFER_TRY(move(extent));
  return next;
}

Result<void> Healer::move(const Reference& extent) {
  constexpr std::uint64_t kUnsyncedMost = std::uint64_t{64} << 20;
  auto inode = deps_.inodes->get(extent.inode);
  if (!inode && inode.error().code == Errc::NotFound) return {};
  auto moved = inode ? deps_.bytes->seal_again(*inode, extent) : Result<void>(fail(inode.error()));
  if (!moved && moved.error().code == Errc::NotFound) return {};  // overwritten meanwhile
  if (!moved) {
    unrepaired(
        "inode " + std::to_string(extent.inode.value()) +
        ": bytes with too little parity could not be sealed again: " + moved.error().context);
    return {};
  }
  ++receipt_.extents_moved;
  receipt_.bytes_written += extent.length.value();
  COFFER_TRY(pace_.step(extent.length.value()));
  unsynced_ += extent.length.value();
  if (unsynced_ < kUnsyncedMost) return {};
  unsynced_ = 0;
  return deps_.commit_all();
}

}  // namespace coffer
