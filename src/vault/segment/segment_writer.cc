#include "vault/segment/segment_writer.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>
#include <utility>

#include "vault/crypto/random.h"
#include "vault/erasure/erasure_code.h"
#include "vault/segment/segment_context.h"
#include "vault/segment/volume_choice.h"
#include "vault/volume/io_wait.h"
#include "vault/volume/volume_set.h"

namespace coffer {

namespace {

/// Takes back shard files of a segment that did not come to be.
void remove_files(SegmentContext& context, const SegmentInfo& info) {
  for (const std::uint8_t member : info.members) {
    Volume* volume = context.deps.volumes.writable(member);
    if (volume == nullptr || context.reports.is_failed(member)) continue;
    IoWait<void> wait;
    volume->shards().remove(info.uid.value().to_string(), wait.completion());
    (void)wait.wait(
        context.options.volume_deadline);  // what stays behind is an orphan that upkeep removes
  }
}

/// The files, by slot; an error if one volume did not make its own.
/// Busy: a volume is being taken out or replaced; who did that has told whoever must know.
Result<std::vector<SegmentWriter::SlotFile>> create_files(SegmentContext& context,
                                                          const SegmentInfo& info) {
  const std::size_t shards = info.members.size();
  std::vector<SegmentWriter::SlotFile> files(shards);
  std::vector<std::optional<Error>> errors(shards);
  context.for_each(shards, [&](std::size_t slot) {
    files[slot].era = context.deps.volumes.era(info.members[slot]);
    Volume* volume = context.deps.volumes.writable(info.members[slot]);
    if (volume == nullptr) {
      errors[slot] = Error{Errc::Busy, "a volume went away"};
      return;
    }
    IoWait<std::shared_ptr<ShardFile>> wait;
    volume->shards().create(info.uid.value().to_string(), wait.completion());
    if (auto made = wait.wait(context.options.volume_deadline)) {
      files[slot].file = *std::move(made);
    } else {
      errors[slot] = std::move(made).error();
    }
  });
  std::optional<Error> first;
  for (std::size_t slot = 0; slot < shards; ++slot) {
    if (!errors[slot]) continue;
    const std::uint8_t member = info.members[slot];
    const bool in_use = context.deps.volumes.writable_since(member, files[slot].era);
    const bool its_fault = errors[slot]->code != Errc::NoSpace && errors[slot]->code != Errc::Busy;
    if (in_use && its_fault) context.reports.volume_failed(member, *errors[slot]);
    if (!first) first = errors[slot];
  }
  if (first) return fail(*std::move(first));
  return files;
}

}  // namespace

Result<std::shared_ptr<SegmentWriter>> SegmentWriter::create(SegmentContext& context,
                                                             SegmentStore::Stream stream,
                                                             const VolumeChoice& choice) {
  SegmentInfo info;
  info.uid = SegmentUid(crypto::random_uuid());
  info.k = choice.k;
  info.m = choice.m;
  info.members = choice.members;
  info.data_epoch = context.ciphers.source().active_epoch();
  info.shard_bytes_max = choice.shard_bytes_max;
  COFFER_TRY(context.ciphers.get(info));
  COFFER_TRY(context.deps.codes.get({info.k, info.m}));
  auto files = create_files(context, info);
  if (!files) {
    remove_files(context, info);
    return fail(std::move(files).error());
  }
  auto id = context.deps.journal.add_segment(info);
  if (!id) {
    remove_files(context, info);
    return fail(std::move(id).error());
  }
  info.id = *id;
  COFFER_ASSIGN(std::shared_ptr<const SegmentCipher> cipher, context.ciphers.get(info));
  return std::make_shared<SegmentWriter>(context, stream,
                                         std::make_shared<Segment>(std::move(info)),
                                         *std::move(files), std::move(cipher));
}

SegmentWriter::SegmentWriter(SegmentContext& context, SegmentStore::Stream stream,
                             std::shared_ptr<Segment> segment, std::vector<SlotFile> files,
                             std::shared_ptr<const SegmentCipher> cipher)
    : context_(context),
      stream_(stream),
      segment_(std::move(segment)),
      files_(std::move(files)),
      cipher_(std::move(cipher)) {
  for (const std::uint8_t member : segment_->info().members) {
    member_bits_ |= std::uint64_t{1} << member;
  }
}

bool SegmentWriter::failed() const {
  if (lost_slots_.load(std::memory_order_acquire) != 0 || context_.reports.any_failed(member_bits_))
    return true;
  for (std::uint32_t slot = 0; slot < segment_->shards(); ++slot)
    if (context_.deps.volumes.era(segment_->member(slot)) != files_[slot].era) return true;
  return false;
}

bool SegmentWriter::unwritable(std::uint32_t slot) const {
  const std::uint8_t member = segment_->member(slot);
  return context_.reports.is_failed(member) ||
         !context_.deps.volumes.writable_since(member, files_[slot].era);
}

void SegmentWriter::lose(std::uint32_t slot, std::uint32_t stripe, const Error& why) {
  segment_->lose(slot, stripe);
  lost_slots_.fetch_or(1U << slot, std::memory_order_acq_rel);
  // A full disk is not a broken one: its metadata mirror and its older shards stay current.
  // Whoever marked the volume unwritable has told the journal or needs no telling.
  if (why.code == Errc::NoSpace || unwritable(slot)) return;
  context_.reports.volume_failed(segment_->member(slot), why);
}

Result<void> SegmentWriter::write(std::uint32_t slot, std::uint32_t stripe, std::uint64_t at,
                                  std::vector<IoSlice> pieces) {
  if (segment_->is_lost(slot, stripe)) return fail(Errc::Io, "the shard file failed before");
  if (unwritable(slot)) {
    const Error why{Errc::Io, "the shard's volume failed before"};
    lose(slot, stripe, why);
    return fail(why);
  }
  std::uint64_t bytes = 0;
  for (const IoSlice& piece : pieces) bytes += piece.bytes.size();
  IoWait<void> wait;
  files_[slot].file->write(ByteOffset(at), std::move(pieces), wait.completion());
  if (Result<void> done = wait.wait(context_.options.volume_deadline); !done) {
    lose(slot, stripe, done.error());
    return done;
  }
  context_.counters.shard_bytes_written.fetch_add(bytes, std::memory_order_relaxed);
  return {};
}

void SegmentWriter::start_writeback(std::uint32_t slot, std::uint64_t at, std::uint64_t bytes) {
  if (!unwritable(slot)) files_[slot].file->start_writeback(ByteOffset(at), ByteCount(bytes));
}

std::uint32_t SegmentWriter::lost_shards(std::uint32_t stripe) const {
  std::uint32_t lost = 0;
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    if (segment_->is_lost(segment_->slot(stripe, shard), stripe)) lost |= 1U << shard;
  }
  return lost;
}

bool SegmentWriter::recoverable(const WrittenStripe& stripe) const {
  const auto data = static_cast<std::uint32_t>((std::uint64_t{1} << segment_->info().k) - 1);
  const int lost_data = std::popcount(stripe.lost & data);
  const int parity = std::popcount(stripe.used & ~data & ~stripe.lost);
  return lost_data <= parity;
}

void SegmentWriter::report_lost(const char* why) {
  if (stream_ == SegmentStore::Stream::Survivors)
    context_.reports.copies_lost();
  else
    context_.reports.bytes_lost(Error{Errc::Io, why});
}

void SegmentWriter::stripe_written(std::uint32_t stripe, std::uint32_t used) {
  WrittenStripe written{stripe, used, lost_shards(stripe) & used};
  if (!recoverable(written)) {
    report_lost("a write failed on more volumes than parity covers");
  }
  {
    MutexLock lock(mutex_);
    for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
      if ((used >> shard & 1U) != 0) dirty_slots_ |= 1U << segment_->slot(stripe, shard);
    }
    written_.push_back(written);
  }
  open_stripes_.fetch_sub(1, std::memory_order_release);
}

bool SegmentWriter::finished() const {
  if (!ended() || open_stripes_.load(std::memory_order_acquire) != 0) return false;
  MutexLock lock(mutex_);
  return written_.empty();
}

SegmentWriter::Unsynced SegmentWriter::take_unsynced() {
  Unsynced taken;
  std::uint32_t dirty = 0;
  {
    MutexLock lock(mutex_);
    dirty = std::exchange(dirty_slots_, 0);
    taken.stripes = std::exchange(written_, {});
  }
  for (std::uint32_t slot = 0; slot < segment_->shards(); ++slot) {
    if ((dirty >> slot & 1U) == 0) continue;
    if ((lost_slots_.load() >> slot & 1U) == 0) {
      taken.slots.push_back(slot);
    } else {
      segment_->lose(slot, first_stripe(taken));  // written well, but never to be synced
    }
  }
  return taken;
}

std::uint32_t SegmentWriter::first_stripe(const Unsynced& unsynced) {
  std::uint32_t first = UINT32_MAX;
  for (const WrittenStripe& one : unsynced.stripes) first = std::min(first, one.stripe);
  return first;
}

bool SegmentWriter::sync_slot(std::uint32_t slot, const Unsynced& unsynced) {
  Result<void> done = fail(Errc::Io, "the shard's volume failed before");
  if (!unwritable(slot)) {
    IoWait<void> wait;
    files_[slot].file->sync(wait.completion());
    done = wait.wait(context_.options.volume_deadline);
  }
  if (done) return true;
  // Even NoSpace: delayed allocation failed, the pages are clean now and their content is gone.
  Error why = std::move(done).error();
  if (why.code == Errc::NoSpace) why.code = Errc::Io;
  lose(slot, first_stripe(unsynced), why);
  return false;
}

void SegmentWriter::settle(const Unsynced& unsynced) {
  std::vector<ShardRef> degraded;
  for (WrittenStripe one : unsynced.stripes) {
    one.lost = lost_shards(one.stripe) & one.used;
    if (!recoverable(one)) {
      report_lost("a sync failed on more volumes than parity covers");
    }
    for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
      if ((one.lost >> shard & 1U) == 0) continue;
      degraded.push_back({segment_->info().id, one.stripe, static_cast<std::uint8_t>(shard)});
    }
  }
  if (!degraded.empty()) context_.reports.shards_degraded(degraded);
}

}  // namespace coffer
