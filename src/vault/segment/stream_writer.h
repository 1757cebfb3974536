#pragma once
/// StreamWriter: appends of one stream: reserve, seal, and open the next stripe or segment.
///
/// Owns      the stream's open segment and its stripes until they are closed.
/// Threads   any. The mutex is held for reservations only; one creator at a time makes a segment or
///           asks for free space, without the mutex, while other appends wait for it.
///           close_stripes() and write_out() never wait for the creator.
/// Errors    NoSpace, ReadOnly, Io, ShuttingDown.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/segment/open_stripe.h"
#include "vault/segment/segment_store.h"

namespace coffer {

class StreamWriter {
 public:
  /// Told of every new segment before anything is appended to it.
  using OnSegment = std::function<void(const std::shared_ptr<SegmentWriter>&)>;

  StreamWriter(SegmentContext& context, SegmentStore::Stream stream, OnSegment on_segment);

  /// Without close_stripes() before, what is only in memory goes with it.
  ~StreamWriter();
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;

  Result<std::vector<Reference>> append(InodeId inode, ByteOffset offset, Bytes plain)
      EXCLUDES(mutex_);
  /// Hands all that was appended to the files.
  void write_out() EXCLUDES(mutex_);
  /// Closes every stripe that has data; all that was appended before is then with the files.
  void close_stripes() EXCLUDES(mutex_);
  /// As close_stripes(), and the next append opens a new segment.
  void end_segment() EXCLUDES(mutex_);
  /// The stream may append to it yet.
  /// What append() would still take, about.
  Result<std::uint64_t> room() const EXCLUDES(mutex_);
  [[nodiscard]] bool appends_to(SegmentId segment) const EXCLUDES(mutex_);
  /// Appends fail from now on.
  void shut_down() EXCLUDES(mutex_);

 private:
  struct Reservation {
    std::shared_ptr<OpenStripe> stripe;
    OpenStripe::Room room;
  };

  Result<Reservation> reserve(InodeId inode, ByteOffset offset, std::uint64_t bytes)
      EXCLUDES(mutex_);
  Result<void> seal(const Reservation& reservation, Bytes plain);
  /// Takes the current stripe out of service. The caller closes it if that is its duty.
  OpenStripe::Duty detach_current() REQUIRES(mutex_);
  void open_stripe() REQUIRES(mutex_);
  [[nodiscard]] bool segment_has_room() const REQUIRES(mutex_);
  /// Free space for the open segment, or a new segment. Without the mutex, as the only creator.
  Result<void> create(std::shared_ptr<SegmentWriter> current) EXCLUDES(mutex_);
  Result<std::shared_ptr<SegmentWriter>> make_segment();

  SegmentContext& context_;
  const SegmentStore::Stream stream_;
  const OnSegment on_segment_;
  const std::uint32_t stripe_blocks_;  // of a full stripe

  mutable Mutex mutex_;
  CondVar created_;
  bool creating_ GUARDED_BY(mutex_) = false;
  bool shut_down_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<SegmentWriter> segment_ GUARDED_BY(mutex_);
  std::uint32_t next_stripe_ GUARDED_BY(mutex_) = 0;  // block
  std::uint32_t next_ordinal_ GUARDED_BY(mutex_) = 0;
  std::uint64_t granted_bytes_ GUARDED_BY(mutex_) = 0;  // per shard, before space is asked again
  std::shared_ptr<OpenStripe> current_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<OpenStripe>> draining_ GUARDED_BY(mutex_);
  std::uint32_t turn_ = 0;  // the creator's alone
};

}  // namespace coffer
