#pragma once
/// SegmentLedger: which bytes of which segment are live, and who shares them.
///
/// Rows kLiveBytes (per segment, plaintext bytes of live chunks), kSharedRun, kSharedReference; all
/// changed in the batch that changes the extents, so that they equal a full scan at every commit
/// (invariant 11). In memory: live bytes by segment; a segment whose live bytes fell to zero is
/// removed once the batch is synced (a crash before must find it).
/// Threads   everything from any thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/meta/meta_store.h"
#include "vault/segment/segment_store.h"
#include "vault/tree/file_content.h"

namespace coffer {

class SegmentLedger {
 public:
  SegmentLedger(MetaStore& meta, SegmentStore& segments);
  ~SegmentLedger();

  /// At open, from the rows: live bytes, and shared runs whose last reference went just before a
  /// crash.
  Result<void> load();

  /// Held from before SegmentStore::append() until its references are in an inode and counted by
  /// pin(): a segment goes only once every append that may have put bytes into it has got that far.
  class Appending {
   public:
    explicit Appending(SegmentLedger& ledger);
    ~Appending();
    Appending(const Appending&) = delete;
    Appending& operator=(const Appending&) = delete;

   private:
    SegmentLedger& ledger_;
    std::uint64_t ticket_;
  };
  /// Every append that began before has its references in inodes. TimedOut: one of them takes longer than that.
  Result<void> wait_for_appends(std::chrono::milliseconds deadline) const EXCLUDES(mutex_);
  /// Runs that are about to be referred to: while it lives they are not judged, with or without references; then they are.
  class RunHold {
   public:
    explicit RunHold(SegmentLedger& ledger) : ledger_(ledger) {}
    ~RunHold();
    RunHold(const RunHold&) = delete;
    RunHold& operator=(const RunHold&) = delete;
    /// @pre no row of the run is committed yet
    void add(SegmentId segment, std::uint32_t run);

   private:
    SegmentLedger& ledger_;
    std::set<std::pair<SegmentId, std::uint32_t>> runs_;
  };
  /// From SegmentJournal: the segment takes appends; it takes no more.
  void opened(SegmentId segment);
  void sealed(SegmentId segment);

  /// An extent in memory refers to these bytes.
  void pin(const LiveBytes& added);
  /// The rows' change: added minus removed.
  void stage(MetaBatch& batch, const LiveBytes& added, const LiveBytes& removed);
  /// The batch that took these away is committed, at or before `position`.
  void released(const LiveBytes& removed, CommitPosition position);

  /// Reference rows of these runs went away in a committed batch: frees runs without any left.
  void check_runs(const ExtentMap::SharedChanges& changes);

  /// Removes segments that were dead at a synced position. Called after each sync, outside of
  /// locks.
  void reap();
  /// Something is on its way out: another sync and reap() would free space.
  [[nodiscard]] bool reaping() const;
  /// A segment lost its last live byte and still takes appends: ending it would free its space.
  [[nodiscard]] bool dead_while_open() const;
  [[nodiscard]] std::uint64_t live_bytes() const;
  [[nodiscard]] std::map<SegmentId, std::int64_t> live_by_segment() const;
  /// Those that take no more appends and have live bytes.
  [[nodiscard]] std::map<SegmentId, std::uint64_t> live_in_sealed() const;
  /// Grows when bytes stop being live and when a segment is sealed: while it stays, nothing more can be cleaned than before.
  [[nodiscard]] std::uint64_t change_mark() const;

 private:
  Result<void> free_run_if_unreferenced(SegmentId segment, std::uint32_t run);

  MetaStore& meta_;
  SegmentStore& segments_;
  void remove_rows(SegmentId segment);
  [[nodiscard]] bool removable(SegmentId segment, CommitPosition synced) const REQUIRES(mutex_);

  Mutex runs_mutex_;  // one run is judged at a time; held across a commit
  mutable Mutex mutex_;
  LiveBytes live_ GUARDED_BY(mutex_);
  std::map<SegmentId, CommitPosition> dead_ GUARDED_BY(mutex_);  // and since when
  std::set<SegmentId> open_ GUARDED_BY(mutex_);
  std::set<std::uint64_t> appending_ GUARDED_BY(mutex_);  // tickets of running appends
  std::uint64_t change_mark_ GUARDED_BY(mutex_) = 0;
  std::set<std::pair<SegmentId, std::uint32_t>> held_runs_ GUARDED_BY(mutex_);
  std::uint64_t next_ticket_ GUARDED_BY(mutex_) = 1;
  // Rows removed at that position; the files follow once it is synced: until a synced frame says so, recovery may still ask for
  // their bytes.
  std::map<SegmentId, CommitPosition> rowless_ GUARDED_BY(mutex_);
  std::map<SegmentId, std::uint64_t> sealed_at_
      GUARDED_BY(mutex_);  // older tickets may still bring references to it
};

/// A shared run's row. Format: docs/format.md §5.5.
struct SharedRun {
  std::uint32_t chunks = 0;
  std::uint64_t bytes = 0;  // plaintext
};
std::string encode_shared_run(const SharedRun& run);
Result<SharedRun> decode_shared_run(std::string_view value);

}  // namespace coffer
