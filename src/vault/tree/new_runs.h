#pragma once
/// NewRuns: shared runs that a round of cleaning made, and which of them have their row by now.
///
/// Threads   one.

#include <cstdint>
#include <set>
#include <utility>

#include "vault/tree/segment_ledger.h"

namespace coffer {

class NewRuns {
 public:
  using Key = std::pair<SegmentId, std::uint32_t>;  // segment, first ordinal

  explicit NewRuns(SegmentLedger& ledger) : hold_(ledger) {}

  /// Before anybody refers to it.
  void add(const Place& place) { hold_.add(place.segment, place.ordinal); }
  void row_committed(const Key& key) { with_row_.insert(key); }
  [[nodiscard]] bool has_row(const Key& key) const { return with_row_.contains(key); }

 private:
  SegmentLedger::RunHold hold_;
  std::set<Key> with_row_;
};

}  // namespace coffer
