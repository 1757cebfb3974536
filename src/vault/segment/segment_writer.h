#pragma once
/// SegmentWriter: the shard files of a segment that is, or was lately, appended to.
///
/// Owns      the files' handles for writing and syncing, until all of it is synced.
/// Threads   any.
/// Invariant A slot that failed a write or sync is never written or synced again, and no new stripe
///           is begun (failed()); stripes that are open go on without it. The same for a slot whose
///           volume was taken out since its file was made, whatever stands in its place by now.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/segment/segment.h"
#include "vault/volume/volume.h"

namespace coffer {

class SegmentCipher;
struct SegmentContext;
struct VolumeChoice;

/// A stripe whose bytes are with the files and not yet known to be synced. Masks: bit per shard.
struct WrittenStripe {
  std::uint32_t stripe = 0;
  std::uint32_t used = 0;  // shards that have bytes
  std::uint32_t lost = 0;  // of these, not on their volumes
};

class SegmentWriter {
 public:
  struct SlotFile {
    std::uint32_t era = 0;  // of its volume (VolumeSet::era) when it was made
    std::shared_ptr<ShardFile> file;
  };

  /// Makes the shard files on all members and lets the journal name the segment. Blocks on the
  /// database. A volume that fails is reported; the caller chooses again.
  static Result<std::shared_ptr<SegmentWriter>> create(SegmentContext& context,
                                                       SegmentStore::Stream stream,
                                                       const VolumeChoice& choice);
  SegmentWriter(SegmentContext& context, SegmentStore::Stream stream,
                std::shared_ptr<Segment> segment, std::vector<SlotFile> files,
                std::shared_ptr<const SegmentCipher> cipher);

  [[nodiscard]] const std::shared_ptr<Segment>& segment() const { return segment_; }
  [[nodiscard]] const SegmentCipher& cipher() const { return *cipher_; }

  /// Some slot or volume of it is lost: append no more.
  [[nodiscard]] bool failed() const;

  /// Writes to the file in `slot`. A failure loses the slot from `stripe` on; the error is only for
  /// information, since the stripe goes on with fewer shards.
  Result<void> write(std::uint32_t slot, std::uint32_t stripe, std::uint64_t at,
                     std::vector<IoSlice> pieces);
  void start_writeback(std::uint32_t slot, std::uint64_t at, std::uint64_t bytes);

  void stripe_opened() { open_stripes_.fetch_add(1, std::memory_order_relaxed); }
  /// All of the stripe was handed to the files, `used` by shard.
  void stripe_written(std::uint32_t stripe, std::uint32_t used) EXCLUDES(mutex_);
  /// The stripe was never used.
  void stripe_dropped() { open_stripes_.fetch_sub(1, std::memory_order_release); }
  /// No stripe will be opened any more.
  void end() { ended_.store(true, std::memory_order_release); }
  [[nodiscard]] bool ended() const { return ended_.load(std::memory_order_acquire); }
  /// Ended, and nothing of it waits to be synced.
  [[nodiscard]] bool finished() const EXCLUDES(mutex_);

  /// One sync of this segment: the slots to sync and the stripes that this makes durable.
  struct Unsynced {
    std::vector<std::uint32_t> slots;
    std::vector<WrittenStripe> stripes;
  };
  Unsynced take_unsynced() EXCLUDES(mutex_);
  /// Syncs the file in `slot`; false: the slot is lost from the stripe on that is first in
  /// `unsynced`.
  bool sync_slot(std::uint32_t slot, const Unsynced& unsynced);
  /// After all slots: reports what the stripes lack, and as lost those with fewer than k shards.
  void settle(const Unsynced& unsynced);

 private:
  /// Its volume takes no writes of this file any more, whoever found that out.
  [[nodiscard]] bool unwritable(std::uint32_t slot) const;
  void lose(std::uint32_t slot, std::uint32_t stripe, const Error& why);
  static std::uint32_t first_stripe(const Unsynced& unsynced);
  /// Bits by shard of `stripe` whose slots are lost.
  [[nodiscard]] std::uint32_t lost_shards(std::uint32_t stripe) const;
  [[nodiscard]] bool recoverable(const WrittenStripe& stripe) const;

  /// Of a stripe with fewer than k shards. Survivors are named only once they are synced: what is lost of them is a copy.
  void report_lost(const char* why);

  SegmentContext& context_;
  const SegmentStore::Stream stream_;
  const std::shared_ptr<Segment> segment_;
  const std::vector<SlotFile> files_;  // by slot
  const std::shared_ptr<const SegmentCipher> cipher_;
  std::uint64_t member_bits_ = 0;  // constant after construction
  std::atomic<std::uint32_t> lost_slots_{0};
  std::atomic<std::uint32_t> open_stripes_{0};
  std::atomic<bool> ended_{false};

  mutable Mutex mutex_;
  std::uint32_t dirty_slots_ GUARDED_BY(mutex_) = 0;
  std::vector<WrittenStripe> written_ GUARDED_BY(mutex_);
};

}  // namespace coffer
