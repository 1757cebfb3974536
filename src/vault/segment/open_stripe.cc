#include "vault/segment/open_stripe.h"

#include <algorithm>
#include <cassert>

#include "vault/segment/segment_context.h"

namespace coffer {

OpenStripe::OpenStripe(SegmentContext& context, std::shared_ptr<SegmentWriter> writer,
                       std::uint32_t stripe, std::uint32_t first_ordinal)
    : context_(context),
      writer_(std::move(writer)),
      stripe_(stripe),
      first_ordinal_(first_ordinal),
      capacity_(payload_capacity(context.options.unit_chunks)),
      k_(writer_->segment()->info().k),
      m_(writer_->segment()->info().m),
      areas_(k_),
      next_ordinal_(first_ordinal) {}

std::uint32_t OpenStripe::room_in(std::uint32_t shard, std::uint32_t index_bytes) const {
  // The last shard always keeps room for the index, wherever it goes in the end.
  const std::uint32_t kept = shard + 1 == k_ ? index_bytes + kTagBytes : 0;
  const std::uint32_t taken = areas_[shard].used + kept;
  return taken < capacity_ ? capacity_ - taken : 0;
}

std::optional<OpenStripe::Room> OpenStripe::reserve(InodeId inode, ByteOffset offset,
                                                    std::uint64_t bytes) {
  assert(bytes > 0);
  MutexLock lock(mutex_);
  if (state_ != State::Accepting) return std::nullopt;
  // At most one owner entry more, of no more than this.
  OwnerEntry entry{0, capacity_, next_ordinal_, capacity_, inode, offset};
  const std::uint32_t index_bytes = index_.bytes_with(entry);
  if (index_bytes > capacity_ / 4) return std::nullopt;
  for (; cursor_ < k_; ++cursor_) {
    const std::uint32_t room = room_in(cursor_, index_bytes);
    const std::uint64_t full =
        std::min<std::uint64_t>(room / kSealedChunkBytes, bytes / kChunkBytes);
    std::uint64_t taken = full * kChunkBytes;
    const std::uint64_t rest = bytes - taken;
    const std::uint64_t left = room - full * kSealedChunkBytes;
    if (rest > 0 && rest < kChunkBytes && rest + kTagBytes <= left) taken += rest;
    if (taken == 0) continue;
    Room found = take_room(cursor_, static_cast<std::uint32_t>(taken));
    index_.add({found.shard, found.offset, found.ordinal, found.bytes, inode, offset});
    return found;
  }
  return std::nullopt;
}

void OpenStripe::take_area(std::uint32_t shard) {
  if (!areas_[shard].buffer) {
    areas_[shard].buffer = context_.deps.buffers.take(kStripeHeaderBytes + capacity_);
  }
}

OpenStripe::Room OpenStripe::take_room(std::uint32_t shard, std::uint32_t bytes) {
  take_area(shard);
  Area& area = areas_[shard];
  Place run;
  run.bytes = bytes;
  Room room;
  room.shard = static_cast<std::uint8_t>(shard);
  room.offset = area.used;
  room.ordinal = next_ordinal_;
  room.bytes = bytes;
  room.sealed = area.buffer.span().subspan(kStripeHeaderBytes + area.used, run.sealed_bytes());
  area.used += run.sealed_bytes();
  next_ordinal_ += run.chunks();
  in_flight_.push_back({room.shard, room.offset});
  return room;
}

OpenStripe::Duty OpenStripe::sealed(const Room& room) {
  MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(in_flight_, [&](const InFlight& one) {
    return one.shard == room.shard && one.offset == room.offset;
  });
  assert(found != in_flight_.end());
  *found = in_flight_.back();
  in_flight_.pop_back();
  changed_.notify_all();
  if (state_ != State::Draining || !in_flight_.empty()) return Duty::None;
  state_ = State::Closing;
  return Duty::Close;
}

void OpenStripe::place_index() {
  const auto bytes = static_cast<std::uint32_t>(index_.encoded().size()) + kTagBytes;
  const auto fits = [&](std::uint32_t shard) { return areas_[shard].used + bytes <= capacity_; };
  std::uint32_t last = k_;
  while (last > 0 && areas_[last - 1].used == 0) --last;
  // Behind the last used shard, else in an earlier one, else (all full) in the next.
  std::uint32_t chosen = last;
  for (std::uint32_t shard = last; shard > 0; --shard) {
    if (fits(shard - 1)) {
      chosen = shard - 1;
      break;
    }
  }
  assert(chosen < k_ && fits(chosen));
  take_area(chosen);
  index_spot_ = {static_cast<std::uint8_t>(chosen), areas_[chosen].used, bytes, next_ordinal_++};
  areas_[chosen].used += bytes;
}

OpenStripe::End OpenStripe::detach() {
  MutexLock lock(mutex_);
  assert(state_ == State::Accepting);
  if (index_.empty()) {
    state_ = State::Closed;
    changed_.notify_all();
    return {Duty::None, 0, next_ordinal_};
  }
  place_index();
  std::uint32_t longest = 0;
  for (const Area& area : areas_) longest = std::max(longest, area.used);
  End end{Duty::None, blocks_for(longest), next_ordinal_};
  if (in_flight_.empty()) {
    state_ = State::Closing;
    end.duty = Duty::Close;
  } else {
    state_ = State::Draining;
  }
  return end;
}

bool OpenStripe::sealers_below(const std::vector<std::uint32_t>& ends) const {
  return std::ranges::any_of(in_flight_,
                             [&](const InFlight& one) { return one.offset < ends[one.shard]; });
}

void OpenStripe::write_out() {
  MutexLock lock(mutex_);
  std::vector<std::uint32_t> ends;
  for (const Area& area : areas_) ends.push_back(area.used);
  while (state_ == State::Accepting && (writing_out_ || sealers_below(ends))) changed_.wait(lock);
  if (state_ != State::Accepting) {
    while (state_ != State::Closed) changed_.wait(lock);
    return;
  }
  writing_out_ = true;
  const std::vector<Area> areas = areas_;
  lock.unlock();
  for (std::uint32_t shard = 0; shard < k_; ++shard) {
    const Area& area = areas[shard];
    if (ends[shard] <= area.written) continue;
    const std::uint32_t at = kStripeHeaderBytes + area.written;
    const MutableBytes bytes = area.buffer.span().subspan(at, ends[shard] - area.written);
    // A failure is remembered by the writer: the stripe goes on without that shard.
    (void)writer_->write(writer_->segment()->slot(stripe_, shard), stripe_,
                         stripe_byte(stripe_) + at, {IoSlice{area.buffer, bytes}});
  }
  lock.lock();
  for (std::uint32_t shard = 0; shard < k_; ++shard) {
    areas_[shard].written = std::max(areas_[shard].written, ends[shard]);
  }
  writing_out_ = false;
  changed_.notify_all();
}

void OpenStripe::wait_closed() {
  MutexLock lock(mutex_);
  while (state_ != State::Closed) changed_.wait(lock);
}

bool OpenStripe::closed() const {
  MutexLock lock(mutex_);
  return state_ == State::Closed;
}

std::optional<std::pair<BufferRef, Bytes>> OpenStripe::view(const Place& place) const {
  MutexLock lock(mutex_);
  if (place.shard >= k_) return std::nullopt;
  const Area& area = areas_[place.shard];
  const std::uint64_t end = std::uint64_t{place.offset} + place.sealed_bytes();
  if (!area.buffer || end > area.used) return std::nullopt;
  const MutableBytes bytes =
      area.buffer.span().subspan(kStripeHeaderBytes + place.offset, place.sealed_bytes());
  return std::pair<BufferRef, Bytes>(area.buffer, bytes);
}

}  // namespace coffer
