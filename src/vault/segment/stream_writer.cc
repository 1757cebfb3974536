#include "vault/segment/stream_writer.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "vault/segment/segment_context.h"
#include "vault/segment/volume_choice.h"

namespace coffer {

namespace {

constexpr std::uint64_t kGrantBytes = std::uint64_t{16} << 20;
// From here on several threads seal one run.
constexpr std::uint32_t kParallelSealBytes = 128 * 1024;
constexpr std::uint32_t kSealGroupChunks = 4;
// A segment is ended long before its ordinals (nonces) could run out.
constexpr std::uint32_t kOrdinalsMax = std::uint32_t{1} << 31;
constexpr int kCreateTries = 8;  // each failed try has lost a volume or found one full

}  // namespace

StreamWriter::StreamWriter(SegmentContext& context, SegmentStore::Stream stream,
                           OnSegment on_segment)
    : context_(context),
      stream_(stream),
      on_segment_(std::move(on_segment)),
      stripe_blocks_(blocks_for(payload_capacity(context.options.unit_chunks))) {}

StreamWriter::~StreamWriter() {
  MutexLock lock(mutex_);
  if (current_) draining_.push_back(std::move(current_));
  // A live stripe and its segment hold each other; keys and buffers would never be released.
  for (const auto& stripe : draining_) stripe->writer()->segment()->remove_live(stripe->stripe());
}

Result<std::vector<Reference>> StreamWriter::append(InodeId inode, ByteOffset offset, Bytes plain) {
  std::vector<Reference> references;
  while (!plain.empty()) {
    COFFER_ASSIGN(Reservation reserved, reserve(inode, offset, plain.size()));
    const OpenStripe::Room& room = reserved.room;
    const Result<void> sealed = seal(reserved, plain.first(room.bytes));
    if (reserved.stripe->sealed(room) == OpenStripe::Duty::Close) reserved.stripe->close();
    COFFER_TRY(sealed);
    Reference reference;
    reference.inode = inode;
    reference.offset = offset;
    reference.length = ByteCount(room.bytes);
    reference.place = {reserved.stripe->writer()->segment()->info().id,
                       reserved.stripe->stripe(),
                       room.shard,
                       room.offset,
                       room.ordinal,
                       room.bytes};
    references.push_back(reference);
    offset += ByteCount(room.bytes);
    plain = plain.subspan(room.bytes);
    context_.counters.bytes_unsynced.fetch_add(room.bytes, std::memory_order_relaxed);
    context_.counters.plain_bytes_appended.fetch_add(room.bytes, std::memory_order_relaxed);
    reserved.stripe->writer()->segment()->add_appended(room.bytes);
    if (stream_ == SegmentStore::Stream::Survivors)
      context_.counters.survivor_bytes_appended.fetch_add(room.bytes, std::memory_order_relaxed);
  }
  return references;
}

Result<void> StreamWriter::seal(const Reservation& reservation, Bytes plain) {
  const OpenStripe::Room& room = reservation.room;
  const SegmentCipher& cipher = reservation.stripe->writer()->cipher();
  std::atomic<bool> failed{false};
  const std::uint32_t chunks = (room.bytes + kChunkBytes - 1) / kChunkBytes;
  const auto seal_group = [&](std::size_t group) {
    const auto first = static_cast<std::uint32_t>(group) * kSealGroupChunks;
    for (std::uint32_t i = first; i < std::min(first + kSealGroupChunks, chunks); ++i) {
      const Bytes chunk = plain.subspan(std::size_t{i} * kChunkBytes)
                              .first(std::min<std::size_t>(
                                  kChunkBytes, plain.size() - std::size_t{i} * kChunkBytes));
      const MutableBytes out =
          room.sealed.subspan(std::size_t{i} * kSealedChunkBytes, chunk.size() + kTagBytes);
      if (cipher.seal(room.ordinal + i, chunk, out)) continue;
      failed = true;
      std::ranges::fill(out, std::byte{0});  // no uninitialised memory reaches a disk
    }
  };
  const std::size_t groups = (chunks + kSealGroupChunks - 1) / kSealGroupChunks;
  if (room.bytes >= kParallelSealBytes) {
    context_.for_each(groups, seal_group);
  } else {
    for (std::size_t group = 0; group < groups; ++group) seal_group(group);
  }
  if (failed) return fail(Errc::OutOfMemory, "sealing failed");
  return {};
}

bool StreamWriter::segment_has_room() const {
  if (!segment_ || segment_->failed() || next_ordinal_ >= kOrdinalsMax) return false;
  const std::uint64_t end = stripe_byte(next_stripe_) + stripe_byte(stripe_blocks_);
  return end <= segment_->segment()->info().shard_bytes_max;
}

void StreamWriter::open_stripe() {
  current_ = std::make_shared<OpenStripe>(context_, segment_, next_stripe_, next_ordinal_);
  segment_->stripe_opened();
  segment_->segment()->add_live(next_stripe_, current_);
}

OpenStripe::Duty StreamWriter::detach_current() {
  const std::shared_ptr<OpenStripe> stripe = std::exchange(current_, nullptr);
  const OpenStripe::End end = stripe->detach();
  if (end.blocks == 0) {
    stripe->writer()->segment()->remove_live(stripe->stripe());
    stripe->writer()->stripe_dropped();
    return OpenStripe::Duty::None;
  }
  next_stripe_ += end.blocks;
  next_ordinal_ = end.next_ordinal;
  const std::uint64_t taken = stripe_byte(end.blocks);
  granted_bytes_ -= std::min(granted_bytes_, taken);
  std::erase_if(draining_, [](const auto& one) { return one->closed(); });
  draining_.push_back(stripe);
  return end.duty;
}

Result<StreamWriter::Reservation> StreamWriter::reserve(InodeId inode, ByteOffset offset,
                                                        std::uint64_t bytes) {
  MutexLock lock(mutex_);
  for (;;) {
    if (shut_down_) return fail(Errc::ShuttingDown, "the segment store is closed");
    if (current_ && !current_->writer()->failed()) {
      if (auto room = current_->reserve(inode, offset, bytes)) {
        return Reservation{current_, *room};
      }
    }
    if (current_) {
      const std::shared_ptr<OpenStripe> full = current_;
      if (detach_current() == OpenStripe::Duty::Close) {
        lock.unlock();
        full->close();
        lock.lock();
      }
      continue;
    }
    if (creating_) {
      created_.wait(lock);
      continue;
    }
    if (segment_has_room() && granted_bytes_ >= stripe_byte(stripe_blocks_)) {
      open_stripe();
      continue;
    }
    creating_ = true;
    std::shared_ptr<SegmentWriter> segment = segment_has_room() ? segment_ : nullptr;
    if (!segment && segment_) std::exchange(segment_, nullptr)->end();
    lock.unlock();
    const Result<void> made = create(std::move(segment));
    lock.lock();
    creating_ = false;
    created_.notify_all();
    COFFER_TRY(made);
  }
}

Result<void> StreamWriter::create(std::shared_ptr<SegmentWriter> current) {
  const std::uint64_t stripe = stripe_byte(stripe_blocks_);
  if (current) {
    const auto room = bytes_before_reserve(context_, stream_, current->segment()->info().members);
    MutexLock lock(mutex_);
    if (room && *room >= stripe) {
      // Survivors use the reserve, which others need too: they ask at every stripe.
      granted_bytes_ =
          stream_ == SegmentStore::Stream::Survivors ? stripe : std::min(*room, kGrantBytes);
      return {};
    }
    // Another set of volumes may have room; this one is done.
    if (segment_ == current) segment_ = nullptr;
    current->end();
  }
  COFFER_ASSIGN(std::shared_ptr<SegmentWriter> made, make_segment());
  on_segment_(made);
  MutexLock lock(mutex_);
  segment_ = std::move(made);
  next_stripe_ = 0;
  next_ordinal_ = 0;
  granted_bytes_ = stripe;  // known to be there; asked for more at the next stripe
  return {};
}

Result<std::shared_ptr<SegmentWriter>> StreamWriter::make_segment() {
  for (int tries = 1;; ++tries) {
    COFFER_ASSIGN(const VolumeChoice choice, choose_volumes(context_, stream_, turn_++));
    auto made = SegmentWriter::create(context_, stream_, choice);
    if (made) {
      context_.counters.current_k = choice.k;
      context_.counters.current_m = choice.m;
      return made;
    }
    bool lost_volume = made.error().code == Errc::Busy;
    for (const std::uint8_t member : choice.members) {
      lost_volume = lost_volume || context_.reports.is_failed(member);
    }
    if (!lost_volume || tries == kCreateTries) return made;
  }
}

void StreamWriter::write_out() {
  std::vector<std::shared_ptr<OpenStripe>> stripes;
  {
    MutexLock lock(mutex_);
    stripes = draining_;
    if (current_) stripes.push_back(current_);
  }
  bool failed = false;
  for (const auto& stripe : stripes) {
    stripe->write_out();
    failed = failed || stripe->writer()->failed();
  }
  // What a failed volume did not take needs its parity now: nothing else would survive with us.
  if (failed) close_stripes();
}

void StreamWriter::close_stripes() {
  std::vector<std::shared_ptr<OpenStripe>> stripes;
  std::shared_ptr<OpenStripe> mine;
  {
    MutexLock lock(mutex_);
    if (current_) {
      mine = current_;
      if (detach_current() != OpenStripe::Duty::Close) mine = nullptr;
    }
    stripes = draining_;
  }
  if (mine) mine->close();
  for (const auto& stripe : stripes) stripe->wait_closed();
}

void StreamWriter::end_segment() {
  std::shared_ptr<OpenStripe> mine;
  {
    MutexLock lock(mutex_);
    if (current_) {
      mine = current_;
      if (detach_current() != OpenStripe::Duty::Close) mine = nullptr;
    }
    // What a creator is making right now stays open: it was asked for before.
    if (segment_) std::exchange(segment_, nullptr)->end();
  }
  if (mine) mine->close();
  close_stripes();
}

Result<std::uint64_t> StreamWriter::room() const {
  std::uint64_t begun = 0;
  {
    MutexLock lock(mutex_);
    if (current_ && !current_->writer()->failed()) {
      begun = std::uint64_t{current_->writer()->segment()->info().k} * stripe_byte(stripe_blocks_);
    }
  }
  COFFER_ASSIGN(const std::uint64_t stripes, room_for_stripes(context_, stream_));
  return begun + stripes;
}

bool StreamWriter::appends_to(SegmentId segment) const {
  MutexLock lock(mutex_);
  return segment_ && segment_->segment()->info().id == segment;
}

void StreamWriter::shut_down() {
  MutexLock lock(mutex_);
  shut_down_ = true;
  created_.notify_all();
}

}  // namespace coffer
