#pragma once
/// SegmentLedger: which bytes of which segment are live, and who shares them.
///
/// Rows kLiveBytes (per segment, plaintext bytes of live chunks), kSharedRun, kSharedReference; all changed in the batch that
/// changes the extents, so that they equal a full scan at every commit (invariant 11).
/// In memory: live bytes by segment; a segment whose live bytes fell to zero is removed once the batch is synced (a crash before
/// must find it).
/// Threads   everything from any thread.

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "vault/meta/meta_store.h"
#include "vault/segment/segment_store.h"
#include "vault/tree/extent.h"

namespace coffer {

class SegmentLedger {
 public:
  SegmentLedger(MetaStore& meta, SegmentStore& segments);
  ~SegmentLedger();

  /// At open, from the rows.
  Result<void> load();
  void segment_added(SegmentId segment);

  /// Live bytes changed by what `batch` does. Applied in memory by applied() after the commit.
  void stage(MetaBatch& batch, const std::map<SegmentId, std::int64_t>& deltas);
  void applied(const std::map<SegmentId, std::int64_t>& deltas, CommitPosition position);

  /// Removes segments that are dead at a synced position. Called after each sync, outside of locks.
  void reap();
  [[nodiscard]] std::uint64_t live_bytes() const;
  [[nodiscard]] std::map<SegmentId, std::int64_t> live_by_segment() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
