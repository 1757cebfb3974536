#pragma once
/// CleaningRound: moves what lives in a few sealed segments (docs/decisions/0014, steps 2 to 7).
///
/// Borrows   what the deps name. One at a time (CleaningTurn).
/// Threads   the caller's; no lock of the tree is held.
/// Errors    of syncs, and of rows that tell where to look. Cancelled and NoSpace end the copying; what was copied is brought over
///           first. What cannot be read or changed of one file is in the receipt, no error.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coffer/vault/upkeep.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {

struct CleaningDeps {
  MetaStore* meta = nullptr;
  SegmentStore* segments = nullptr;
  SegmentLedger* ledger = nullptr;
  InodeStore* inodes = nullptr;
  FileBytes* bytes = nullptr;
  std::function<Result<void>()> sync;  // data, then the log
};

/// An error (Cancelled) ends the copying; what was copied is brought over first.
struct CleaningPace {
  /// After each piece that was copied. Must not wait: others may wait for the round.
  std::function<Result<void>()> after_piece;
  /// Between batches, when nobody waits: the place to rest.
  std::function<Result<void>(std::uint64_t bytes)> after_batch;
};

class CleaningRound {
 public:
  enum class Owners : std::uint8_t {
    Indexes,     // by the stripes' owner indexes
    AllExtents,  // and by a look at all extents, where an index could not be read
  };

  CleaningRound(const CleaningDeps& deps, std::set<SegmentId> victims, CleaningReceipt& receipt,
                const CleaningPace& pace);

  Result<void> run(Owners owners);

 private:
  using Run = std::pair<SegmentId, std::uint32_t>;  // shared run: segment, first ordinal
  struct SharedPiece {
    InodeId inode;
    Extent extent;
  };

  Result<void> find_owners(Owners owners);
  Result<void> follow_parts();
  Result<std::set<InodeId>> find_shared();
  Result<void> copy_inode(InodeId id, const std::vector<FileRange>& ranges);
  Result<void> copy_exclusive(InodeId id, const std::vector<Extent>& extents);
  Result<void> copy_run(std::vector<SharedPiece> pieces);
  /// Reads `extent` behind what is in buffer_; false: it stays where it is.
  bool read_behind(InodeId id, const Extent& extent);
  /// Seals what is in buffer_; what the copies hold of `sources` (position in the buffer → extent) is known then.
  Result<void> seal(CopyMap::Of of, InodeId id, std::uint64_t offset,
                    const std::vector<std::pair<std::uint64_t, Extent>>& sources);
  Result<void> swap(const std::set<InodeId>& inodes);
  /// Syncs the copies of this batch, lets rows name them, and begins the next batch.
  Result<void> bring_over();
  Result<void> bring_over_runs();
  Result<void> sync_copies();
  Result<void> begin_batch();
  [[nodiscard]] bool batch_is_full() const;
  void unmoved(InodeId id, const std::string& what);
  [[nodiscard]] bool copying() const { return end_.has_value(); }

  const CleaningDeps& deps_;
  const std::set<SegmentId> victims_;
  CleaningReceipt& receipt_;
  const CleaningPace& pace_;

  std::map<InodeId, std::vector<FileRange>> ranges_;  // where to look
  std::map<Run, std::vector<SharedPiece>> runs_;
  std::set<InodeId> to_swap_;
  // The batch. Until its copies have their references, a segment that got some of them stays.
  std::optional<SegmentLedger::Appending> appending_;
  CopyMap copies_;
  std::uint64_t batch_bytes_ = 0;
  std::chrono::steady_clock::time_point batch_began_;
  std::uint64_t lost_before_ = 0;  // SegmentStore::copies_lost() when the batch began
  NewRuns new_runs_;
  std::string buffer_;
  Result<void> end_;  // why the copying ended early
};

}  // namespace coffer
