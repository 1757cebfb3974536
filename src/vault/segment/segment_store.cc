#include "vault/segment/segment_store.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "vault/segment/segment_context.h"
#include "vault/segment/segment_owners.h"
#include "vault/segment/segment_reader.h"
#include "vault/segment/segment_repair.h"
#include "vault/segment/segment_sync.h"
#include "vault/segment/shard_rebuild.h"
#include "vault/segment/stream_writer.h"
#include "vault/volume/io_wait.h"
#include "vault/volume/volume_set.h"

namespace coffer {

struct SegmentStore::Impl {
  Impl(SegmentStoreDeps deps, SegmentStoreOptions options)
      : context(deps, std::move(options)),
        reader(context),
        sync(context, [this] { new_data.close_stripes(); }),
        new_data(context, Stream::NewData, [this](const auto& writer) { add(writer); }),
        survivors(context, Stream::Survivors, [this](const auto& writer) { add(writer); }) {}

  void add(const std::shared_ptr<SegmentWriter>& writer) {
    {
      ExclusiveLock lock(mutex);
      segments.insert_or_assign(writer->segment()->info().id, writer->segment());
    }
    sync.add(writer);
  }
  [[nodiscard]] std::shared_ptr<Segment> find(SegmentId id) const {
    SharedLock lock(mutex);
    const auto found = segments.find(id);
    return found == segments.end() ? nullptr : found->second;
  }
  [[nodiscard]] Result<std::shared_ptr<Segment>> get(SegmentId id) const {
    if (auto segment = find(id)) return segment;
    return fail(Errc::NotFound, "no such segment");
  }
  [[nodiscard]] Result<SegmentRepair> repair(SegmentId id) {
    COFFER_ASSIGN(const std::shared_ptr<Segment> segment, get(id));
    COFFER_ASSIGN(std::shared_ptr<const SegmentCipher> cipher,
                  context.ciphers.get(segment->info()));
    return SegmentRepair(context, segment, std::move(cipher));
  }
  StreamWriter& stream(Stream which) { return which == Stream::NewData ? new_data : survivors; }
  [[nodiscard]] std::uint64_t longest_file(const Segment& segment) {
    std::uint64_t longest = 0;
    for (std::uint32_t slot = 0; slot < segment.shards(); ++slot) {
      const auto file = context.files.open(segment, slot);
      const auto size = file ? (*file)->size() : Result<ByteCount>(ByteCount(0));
      if (size) longest = std::max(longest, size->value());
    }
    return longest;
  }
  /// Not from sync(): the database may be waiting for that.
  void tell_sealed() {
    for (const auto& writer : sync.take_finished()) {
      SegmentInfo info = writer->segment()->info();
      info.state = SegmentInfo::State::Sealed;
      context.deps.journal.segment_sealed(info);
    }
  }
  Result<void> end_segments() {
    new_data.end_segment();
    survivors.end_segment();
    Result<void> synced = sync.sync();
    tell_sealed();
    return synced;
  }

  SegmentContext context;
  SegmentReader reader;
  SegmentSync sync;
  StreamWriter new_data;
  StreamWriter survivors;
  mutable SharedMutex mutex;
  std::unordered_map<SegmentId, std::shared_ptr<Segment>> segments GUARDED_BY(mutex);
};

SegmentStore::SegmentStore(SegmentStoreDeps deps, SegmentStoreOptions options)
    : impl_(std::make_unique<Impl>(deps, std::move(options))) {}

SegmentStore::~SegmentStore() = default;

void SegmentStore::add_known(const SegmentInfo& info) {
  ExclusiveLock lock(impl_->mutex);
  impl_->segments.try_emplace(info.id, std::make_shared<Segment>(info));
}

Result<std::vector<Reference>> SegmentStore::append(Stream stream, InodeId inode, ByteOffset offset,
                                                    Bytes plain) {
  auto references = impl_->stream(stream).append(inode, offset, plain);
  impl_->tell_sealed();
  return references;
}

Result<std::uint64_t> SegmentStore::room(Stream stream) { return impl_->stream(stream).room(); }

Result<void> SegmentStore::write_out() {
  impl_->new_data.write_out();
  impl_->survivors.write_out();
  COFFER_TRY(impl_->context.reports.settle(impl_->context.deps.journal));
  if (auto lost = impl_->context.reports.lost()) return fail(*std::move(lost));
  return {};
}

Result<void> SegmentStore::sync(Stripes to_close) {
  if (to_close == Stripes::All) impl_->survivors.close_stripes();
  return impl_->sync.sync();
}

Result<void> SegmentStore::read(const Place& place, std::uint32_t skip, MutableBytes out,
                                CacheUse use) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(place.segment));
  return impl_->reader.read(segment, place, skip, out, use);
}

bool SegmentStore::has_lost_bytes() const { return impl_->context.reports.has_lost(); }

void SegmentStore::read_ahead(const Place& place, std::uint32_t skip, std::uint32_t length) {
  if (const auto segment = impl_->get(place.segment))
    impl_->reader.read_ahead(**segment, place, skip, length);
}

Result<void> SegmentStore::verify(const Place& place) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(place.segment));
  const BufferRef scratch = impl_->context.deps.buffers.take(place.bytes);
  return impl_->reader.read(segment, place, 0, scratch.span().first(place.bytes), CacheUse::Bypass);
}

Result<bool> SegmentStore::stripe_closed(SegmentId id, std::uint32_t stripe) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  if (segment->live(stripe)) return false;
  return ShardRebuild(impl_->context, *segment, stripe).has_header();
}

Result<std::vector<std::uint8_t>> SegmentStore::sync_known(SegmentId id) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  std::vector<char> lost(segment->shards(), 0);
  impl_->context.for_each(segment->shards(), [&](std::size_t i) {
    const auto slot = static_cast<std::uint32_t>(i);
    if (impl_->context.deps.volumes.readable(segment->member(slot)) == nullptr) return;
    const auto file = impl_->context.files.open(*segment, slot);
    IoWait<void> wait;
    if (file) (*file)->sync(wait.completion());
    if (!file || !wait.wait(impl_->context.options.volume_deadline)) lost[i] = 1;
  });
  std::vector<std::uint8_t> members;
  for (std::uint32_t slot = 0; slot < segment->shards(); ++slot) {
    if (lost[slot] == 0) continue;
    segment->lose(slot, 0);
    members.push_back(segment->member(slot));
  }
  return members;
}

Result<void> SegmentStore::remove(SegmentId id) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  if (impl_->new_data.appends_to(id) || impl_->survivors.appends_to(id)) {
    return fail(Errc::Busy, "the segment is still appended to");
  }
  segment->set_removed();
  {
    ExclusiveLock lock(impl_->mutex);
    impl_->segments.erase(id);
  }
  impl_->context.files.forget(*segment);
  impl_->context.ciphers.forget(segment->info());
  Result<void> result;
  for (const std::uint8_t member : segment->info().members) {
    const VolumeSet& volumes = impl_->context.deps.volumes;
    const std::uint32_t era = volumes.era(member);
    Volume* volume = volumes.writable(member);
    if (volume == nullptr || impl_->context.reports.is_hung(member))
      continue;  // what stays there is removed when the volume is caught up
    IoWait<void> wait;
    volume->shards().remove(segment->info().uid.value().to_string(), wait.completion());
    Result<void> removed = wait.wait(impl_->context.options.volume_deadline);
    if (!removed && removed.error().code == Errc::TimedOut && volumes.writable_since(member, era)) {
      impl_->context.reports.volume_failed(member, removed.error());
    }
    if (!removed && removed.error().code != Errc::NotFound) result = std::move(removed);
  }
  return result;
}

Result<SegmentReceipt> SegmentStore::check(SegmentId id, const ListedShards& listed,
                                           const UpkeepStep& step) {
  COFFER_ASSIGN(SegmentRepair repair, impl_->repair(id));
  return repair.check(listed, step);
}

Result<SegmentReceipt> SegmentStore::rebuild(SegmentId id, std::uint32_t slots,
                                             const ListedShards& listed, const UpkeepStep& step) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  std::vector<SegmentRepair::Target> targets;
  for (std::uint32_t slot = 0; slot < segment->shards(); ++slot) {
    if ((slots >> slot & 1U) == 0) continue;
    Volume* const volume = impl_->context.deps.volumes.writable(segment->member(slot));
    if (volume == nullptr) return fail(Errc::Io, "the volume went away");
    targets.push_back({slot, volume});
  }
  COFFER_ASSIGN(SegmentRepair repair, impl_->repair(id));
  auto receipt = repair.rebuild(targets, listed, step);
  // A target that failed leaves the configuration now: nobody else may be told of it.
  COFFER_TRY(impl_->context.reports.settle(impl_->context.deps.journal));
  return receipt;
}

Result<SegmentReceipt> SegmentStore::rebuild_on(SegmentId id, std::uint32_t slot, Volume& volume,
                                                const UpkeepStep& step) {
  COFFER_ASSIGN(SegmentRepair repair, impl_->repair(id));
  return repair.rebuild({{slot, &volume}}, {}, step);
}

void SegmentStore::mark_missing(SegmentId id, std::uint32_t slot) {
  const auto segment = impl_->find(id);
  if (segment != nullptr && slot < segment->shards()) segment->lose(slot, 0);
}

Result<SegmentStore::Survey> SegmentStore::survey(SegmentId id) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  // A handle may be one of a file that is gone by its name.
  impl_->context.files.forget(*segment);
  Survey survey;
  for (std::uint32_t slot = 0; slot < segment->shards(); ++slot) {
    const bool there = impl_->context.deps.volumes.writable(segment->member(slot)) != nullptr;
    const auto file = impl_->context.files.open(*segment, slot);
    if (there && !file && file.error().code == Errc::NotFound) survey.missing_slots |= 1U << slot;
    const auto size = file ? (*file)->size() : Result<ByteCount>(ByteCount(0));
    if (size) survey.longest_file = std::max(survey.longest_file, size->value());
  }
  return survey;
}

Result<OwnersOfSegment> SegmentStore::owners(SegmentId id) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  COFFER_ASSIGN(std::shared_ptr<const SegmentCipher> cipher,
                impl_->context.ciphers.get(segment->info()));
  return SegmentOwners(impl_->context, segment, std::move(cipher))
      .read(impl_->longest_file(*segment));
}

Result<std::uint64_t> SegmentStore::capacity(SegmentId id) const {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  return std::uint64_t{segment->info().shard_bytes_max} * segment->info().k;
}

Result<std::uint64_t> SegmentStore::stored_bytes_max(SegmentId id) {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  return impl_->longest_file(*segment) * segment->info().k;
}

Result<std::uint64_t> SegmentStore::appended_bytes(SegmentId id) const {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  return segment->appended();
}

Result<std::uint8_t> SegmentStore::data_shards(SegmentId id) const {
  COFFER_ASSIGN(const std::shared_ptr<Segment> segment, impl_->get(id));
  return segment->info().k;
}

std::uint8_t SegmentStore::data_shards_now() const {
  const auto volumes = impl_->context.deps.volumes.with_state(VolumeSet::State::Current).size();
  const SegmentStoreOptions& options = impl_->context.options;
  const std::size_t parity = std::min<std::size_t>(options.m, volumes == 0 ? 0 : volumes - 1);
  return static_cast<std::uint8_t>(
      std::clamp<std::size_t>(volumes - std::min(volumes, parity), 1, options.k));
}

std::uint64_t SegmentStore::copies_lost() const {
  return impl_->context.reports.copies_lost_count();
}

bool SegmentStore::writes_to(std::uint8_t member) const { return impl_->sync.writes_to(member); }

void SegmentStore::member_returned(std::uint8_t member) {
  impl_->context.reports.forget_failed(member);
}

Result<void> SegmentStore::seal_open() { return impl_->end_segments(); }

void SegmentStore::volumes_changed() {
  impl_->context.reports.forget_failed();
  impl_->context.files.forget_all();
  impl_->new_data.end_segment();
  impl_->survivors.end_segment();
}

Result<void> SegmentStore::close() {
  impl_->new_data.shut_down();
  impl_->survivors.shut_down();
  return impl_->end_segments();
}

SegmentStore::Stats SegmentStore::stats() const {
  const SegmentCounters& counters = impl_->context.counters;
  Stats stats{};
  stats.bytes_unsynced = counters.bytes_unsynced.load();
  stats.shard_bytes_written = counters.shard_bytes_written.load();
  stats.plain_bytes_appended = counters.plain_bytes_appended.load();
  stats.survivor_bytes_appended = counters.survivor_bytes_appended.load();
  stats.syncs = counters.syncs.load();
  stats.cache_hits = counters.cache_hits.load();
  stats.cache_misses = counters.cache_misses.load();
  stats.rebuilt_reads = counters.rebuilt_reads.load();
  stats.current_k = counters.current_k.load();
  stats.current_m = counters.current_m.load();
  return stats;
}

}  // namespace coffer
