#pragma once
/// Cleaning: chooses partly dead segments, empties them round by round and brings their space back (docs/decisions/0014).
///
/// Borrows   what the deps name.
/// Threads   any; one round at a time, the others wait for it.
/// Errors    as CleaningRound.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "vault/upkeep/cleaning_round.h"
#include "vault/upkeep/cleaning_turn.h"
#include "vault/upkeep/victim_choice.h"

namespace coffer {

class Cleaning {
 public:
  /// How much a round takes on, and what it takes for worth it.
  struct Wish {
    double dead_share_min = 0.05;
    std::uint64_t dead_bytes_min = std::uint64_t{128} << 10;
    std::uint64_t live_bytes = std::uint64_t{64} << 20;
    std::optional<SegmentId> newest;  // those that are younger are left alone
    CleaningRound::Owners owners = CleaningRound::Owners::Indexes;
  };
  enum class Outcome : std::uint8_t {
    Freed,       // some space came back
    InVain,      // what was chosen is still in use; others may be worth a round yet
    Nothing,     // no segment is worth it
    AnotherRan,  // somebody else's round did meanwhile
    KeptOut,     // fsck looks at the rows
  };
  struct Use {
    std::uint64_t stored_bytes = 0, dead_bytes = 0;  // of sealed segments with live bytes
    [[nodiscard]] double dead_share() const {
      return stored_bytes == 0
                 ? 0
                 : static_cast<double>(dead_bytes) / static_cast<double>(stored_bytes);
    }
  };

  explicit Cleaning(CleaningDeps deps) : deps_(std::move(deps)) {}

  /// One round. @pre no lock of the tree is held
  Result<Outcome> round(const Wish& wish, CleaningReceipt& receipt, const CleaningPace& pace);
  /// Rounds without end could not free more than the last one did, unless bytes died since.
  [[nodiscard]] bool exhausted() const EXCLUDES(mutex_);
  Use use();
  /// What could not be read before may be now, and there may be more room.
  void volumes_came() EXCLUDES(mutex_);
  [[nodiscard]] CleaningTurn& turn() { return turn_; }

 private:
  std::vector<SegmentUse> sealed_segments() EXCLUDES(mutex_);
  std::uint64_t stored_bytes(SegmentId id, std::uint64_t live) EXCLUDES(mutex_);
  [[nodiscard]] bool is_known(SegmentId id) const EXCLUDES(mutex_);
  void ask_owners(SegmentUse& use) EXCLUDES(mutex_);
  Result<std::vector<SegmentUse>> choose(const Wish& wish, const CleaningPace& pace)
      EXCLUDES(mutex_);
  Result<Outcome> run_round(const Wish& wish, CleaningReceipt& receipt, const CleaningPace& pace)
      EXCLUDES(mutex_);
  Result<void> remove_dead();
  Outcome take_stock(const std::vector<SegmentUse>& victims, bool all_tried,
                     CleaningReceipt& receipt) EXCLUDES(mutex_);

  const CleaningDeps deps_;
  CleaningTurn turn_;

  mutable Mutex mutex_;
  // What was appended to segments that were made before the opening: known once it was asked of their owner indexes; until
  // then by the length of their files, which is more where stripes were closed early.
  struct Stored {
    std::uint64_t bytes = 0;
    bool known = false;
  };
  std::map<SegmentId, Stored> stored_ GUARDED_BY(mutex_);
  // Rounds that did not empty it; after a few it is left alone until the next opening.
  std::map<SegmentId, int> in_vain_ GUARDED_BY(mutex_);
  std::optional<std::uint64_t> mark_when_exhausted_ GUARDED_BY(mutex_);
};

}  // namespace coffer
