#pragma once
/// Healer: reads segments, makes shard files anew where something is missing or bad, and says what it found
/// (docs/decisions/0012).
///
/// Borrows   what the deps name. One at a time (VaultService sees to it).
/// Threads   the caller's.
/// Errors    Cancelled, and errors of the metadata. What is damaged, or finds no room, is in the receipt.

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "coffer/vault/upkeep.h"
#include "vault/segment/segment_repair.h"
#include "vault/upkeep/pace.h"

namespace coffer {

class FileBytes;
class InodeStore;
class MetaStore;
class VolumeSet;

struct HealerDeps {
  MetaStore* meta = nullptr;
  SegmentStore* segments = nullptr;
  InodeStore* inodes = nullptr;
  FileBytes* bytes = nullptr;
  VolumeSet* volumes = nullptr;
  std::uint8_t parity = 0;                   // what the vault wants
  bool read_only = false;                    // no segment is appended to any more
  std::function<Result<void>()> commit_all;  // and sync
  /// Bytes that are in segments by now are in extents by then.
  std::function<Result<void>()> wait_for_appends;
};

class Healer {
 public:
  enum class Scope : std::uint8_t {
    Everything,  // all shards of all sealed segments are read
    Known,       // the degraded list, files that are not there, and segments named in `suspects`
    Listed,      // the degraded list and `suspects`; no file is looked for
  };

  Healer(HealerDeps deps, const UpkeepOptions& options, Pace& pace, UpkeepReceipt& receipt)
      : deps_(std::move(deps)), options_(options), pace_(pace), receipt_(receipt) {}

  /// Files and stripes of sealed segments.
  Result<void> heal_segments(Scope scope, const std::set<SegmentId>& suspects);
  /// Whether heal_segments(Listed) or move_from_weak_segments() would find work, from rows alone.
  Result<bool> has_work();
  /// Segments of which the list says no more than this are left out by Listed and has_work(): an earlier run could not do more.
  void pass_over(const std::map<SegmentId, ListedShards>& listed) { passed_over_ = &listed; }
  /// What is listed of segments with which heal_segments() came to an end.
  Result<std::map<SegmentId, ListedShards>> left_over() const;
  /// Moves what lies in segments with less parity than can be had now. Their files go with their last byte.
  Result<void> move_from_weak_segments();

 private:
  struct Job {
    SegmentInfo info;
    ListedShards listed;
    std::uint32_t missing = 0;          // bits by slot: files that are not there
    bool look = false;                  // all shards are to be read
    std::vector<std::uint32_t> needed;  // stripes in which extents lie, each once
  };
  /// What all readings of one segment showed.
  struct Findings {
    std::set<std::uint32_t> seen, lost, unverified;
    std::map<std::uint32_t, std::uint32_t> bad;  // by slot: faults in stripes that are known
    std::uint32_t rebuilt_slots = 0;
    bool gave_up = false;
    void add(const SegmentReceipt& receipt);
    [[nodiscard]] std::set<std::uint32_t> unseen(const Job& job) const;
  };

  Result<std::vector<SegmentInfo>> all_segments() const;
  Result<std::vector<SegmentInfo>> sealed_segments() const;
  [[nodiscard]] std::size_t best_parity() const;
  Result<std::vector<Job>> plan(Scope scope, const std::set<SegmentId>& suspects);
  Result<void> find_needed(std::vector<Job>& jobs);
  Result<void> drop_rows_of_dead(const std::map<SegmentId, ListedShards>& listed);
  Result<void> run(const Job& job);
  Result<void> look_and_rebuild(const Job& job, Findings& findings);
  Result<std::uint32_t> look(const Job& job, Findings& findings);
  Result<void> rebuild(const Job& job, std::uint32_t slots, Findings& findings);
  /// Everything that is not whole after the work on a segment, whichever way it ended.
  void tell(const Job& job, const Findings& findings);
  Result<std::string> move_some(const std::set<SegmentId>& weak, std::string from);
  Result<void> move(const Reference& extent);
  [[nodiscard]] bool passed_over(SegmentId segment, const ListedShards& listed) const;
  [[nodiscard]] std::uint32_t slots_of(const Job& job) const;
  [[nodiscard]] std::uint32_t current_slots(const SegmentInfo& info) const;
  void unrepaired(std::string line);

  const HealerDeps deps_;
  const UpkeepOptions& options_;
  Pace& pace_;
  UpkeepReceipt& receipt_;
  const std::map<SegmentId, ListedShards>* passed_over_ = nullptr;
  std::set<SegmentId> finished_;
  std::uint64_t unsynced_ = 0;  // of what was moved
};

}  // namespace coffer
