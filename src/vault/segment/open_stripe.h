#pragma once
/// OpenStripe: a stripe in memory, from its first reservation until all of it is in the shard
/// files.
///
///   Accepting ──detach()──► Draining ──last sealed()──► Closing ──close()──► Closed
///       └────────────detach(), no sealer in flight──────────▲
///
/// Format    docs/format.md §3.
/// Owns      one buffer per data shard: 512 bytes for the header, then the payload, as in the file.
/// Threads   any. close() by exactly one: whom sealed() or detach() told so. Invariant Bytes of a
///           buffer are written once: by the sealer that reserved them, or by close(). Bytes below
///           written_ are with the file and are not handed to it again.

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/segment/owner_index.h"
#include "vault/segment/segment_writer.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

class OpenStripe {
 public:
  /// Room for a run of chunks.
  struct Room {
    std::uint8_t shard = 0;
    std::uint32_t offset = 0;
    std::uint32_t ordinal = 0;
    std::uint32_t bytes = 0;  // plaintext
    MutableBytes sealed;      // where the chunks go, one after another
  };
  enum class Duty { None, Close };  // Close: the caller must call close() now

  OpenStripe(SegmentContext& context, std::shared_ptr<SegmentWriter> writer, std::uint32_t stripe,
             std::uint32_t first_ordinal);

  [[nodiscard]] std::uint32_t stripe() const { return stripe_; }
  [[nodiscard]] const std::shared_ptr<SegmentWriter>& writer() const { return writer_; }

  /// Room for the first part of `bytes` plaintext bytes; none when the stripe is full.
  std::optional<Room> reserve(InodeId inode, ByteOffset offset, std::uint64_t bytes)
      EXCLUDES(mutex_);
  /// The room is filled.
  Duty sealed(const Room& room) EXCLUDES(mutex_);

  /// Where the segment goes on behind this stripe.
  struct End {
    Duty duty = Duty::None;
    std::uint32_t blocks = 0;  // 0: nothing was ever reserved, the stripe is Closed
    std::uint32_t next_ordinal = 0;
  };
  /// No further reservations. Once, by the stream that owns the stripe.
  End detach() EXCLUDES(mutex_);

  /// Seals the owner index, encodes parity, hands everything to the files.
  void close() EXCLUDES(mutex_);
  /// Hands the files what is sealed now; waits for the sealers in flight. After detach() it waits
  /// for close().
  void write_out() EXCLUDES(mutex_);
  void wait_closed() EXCLUDES(mutex_);
  [[nodiscard]] bool closed() const EXCLUDES(mutex_);

  /// Sealed bytes of a place that was handed out; null if this stripe cannot hold it.
  [[nodiscard]] std::optional<std::pair<BufferRef, Bytes>> view(const Place& place) const
      EXCLUDES(mutex_);

 private:
  enum class State { Accepting, Draining, Closing, Closed };
  struct Area {
    BufferRef buffer;           // taken at the first reservation
    std::uint32_t used = 0;     // payload bytes reserved
    std::uint32_t written = 0;  // payload bytes handed to the file
  };
  struct InFlight {
    std::uint8_t shard;
    std::uint32_t offset;
  };
  struct IndexSpot {
    std::uint8_t shard = 0;
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t ordinal = 0;
  };

  [[nodiscard]] std::uint32_t room_in(std::uint32_t shard, std::uint32_t index_bytes) const
      REQUIRES(mutex_);
  Room take_room(std::uint32_t shard, std::uint32_t bytes) REQUIRES(mutex_);
  void place_index() REQUIRES(mutex_);
  void take_area(std::uint32_t shard) REQUIRES(mutex_);
  [[nodiscard]] bool sealers_below(const std::vector<std::uint32_t>& ends) const REQUIRES(mutex_);

  // What close() does; the areas are its own by then.
  Result<void> seal_index();
  std::vector<BufferRef> encode_parity(std::uint32_t longest);
  void write_data_shard(std::uint32_t shard, const StripeHeader& common);
  void write_parity_shard(std::uint32_t shard, const BufferRef& area, const StripeHeader& common);
  [[nodiscard]] StripeHeader common_header() const;

  SegmentContext& context_;
  const std::shared_ptr<SegmentWriter> writer_;
  const std::uint32_t stripe_;
  const std::uint32_t first_ordinal_;
  const std::uint32_t capacity_;  // payload bytes of one shard
  const std::uint8_t k_;
  const std::uint8_t m_;

  mutable Mutex mutex_;
  CondVar changed_;
  // Written under the mutex until Closing; then by close() alone, read by nobody else but view(),
  // which looks at bytes below `used` of what was handed out.
  std::vector<Area> areas_;
  State state_ GUARDED_BY(mutex_) = State::Accepting;
  bool writing_out_ GUARDED_BY(mutex_) = false;
  std::uint32_t cursor_ GUARDED_BY(mutex_) = 0;  // the data shard that is being filled
  std::uint32_t next_ordinal_ GUARDED_BY(mutex_);
  std::vector<InFlight> in_flight_ GUARDED_BY(mutex_);
  OwnerIndex index_;
  IndexSpot index_spot_;
};

}  // namespace coffer
