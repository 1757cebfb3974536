#include "vault/upkeep/cleaning_round.h"

#include <algorithm>

#include "vault/meta/meta_store.h"
#include "vault/segment/segment_owners.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/keys.h"
#include "vault/tree/segment_ledger.h"
#include "vault/upkeep/extent_walk.h"

namespace coffer {
namespace {

// Neighbours in a file are sealed again together up to this.
constexpr std::size_t kTogetherBytes = std::size_t{512} << 10;
// No run is longer: it lies in one shard of one stripe.
constexpr std::uint64_t kRunBytesMax = std::uint64_t{64} * kChunkBytes;
// Copied before it is brought over: what a crash may cost, and how long segments that die meanwhile have to wait.
constexpr std::uint64_t kBatchBytes = std::uint64_t{16} << 20;
constexpr std::chrono::seconds kBatchAge{1};
// How often references that copies made meanwhile are looked for.
constexpr int kLooksMax = 4;
// A part became part of an object; that is no part itself, so one step would do.
constexpr int kForwardsMax = 4;

struct Forward {
  InodeId inode;
  std::uint64_t base = 0, length = 0;
};

Result<Forward> read_forward(const MetaStore& meta, InodeId part) {
  // Not COFFER_ASSIGN: g++ 12 warns of the moved-from optional here.
  const auto row = meta.get(keys::forward(part));
  if (!row) return fail(row.error());
  if (!row->has_value()) return fail(Errc::NotFound, "no forward row");
  ByteReader in(**row);
  Forward forward;
  forward.inode = InodeId{in.varint()};
  forward.base = in.varint();
  forward.length = in.varint();
  if (!in.ok()) return fail(Errc::Corrupt, "forward row");
  return forward;
}

}  // namespace

CleaningRound::CleaningRound(const CleaningDeps& deps, std::set<SegmentId> victims,
                             CleaningReceipt& receipt, const CleaningPace& pace)
    : deps_(deps),
      victims_(std::move(victims)),
      receipt_(receipt),
      pace_(pace),
      new_runs_(*deps.ledger) {}

Result<void> CleaningRound::run(Owners owners) {
  COFFER_TRY(find_owners(owners));
  COFFER_TRY(follow_parts());
  COFFER_TRY(find_shared());
  COFFER_TRY(begin_batch());
  for (auto& [id, ranges] : ranges_) {
    if (!copying()) break;
    ranges = merged(std::move(ranges));
    COFFER_TRY(copy_inode(id, ranges));
  }
  COFFER_TRY(bring_over());
  for (auto& [run, pieces] : runs_) {
    if (!copying()) break;
    COFFER_TRY(copy_run(std::move(pieces)));
    if (batch_is_full()) COFFER_TRY(bring_over_runs());
  }
  COFFER_TRY(bring_over_runs());
  appending_.reset();
  return end_;
}

/// Copies on too few shards are nobody's yet: they are forgotten, and the victims stay.
Result<void> CleaningRound::sync_copies() {
  if (copies_.empty()) return {};
  // Whatever this fails with, the sync behind it says what is to be said of others' bytes.
  static_cast<void>(deps_.segments->sync(SegmentStore::Stripes::All));
  COFFER_TRY(deps_.sync());
  if (deps_.segments->copies_lost() == lost_before_) return {};
  copies_ = CopyMap();
  end_ = fail(Errc::Io, "copies could not be written");
  return {};
}

Result<void> CleaningRound::bring_over() {
  COFFER_TRY(sync_copies());
  COFFER_TRY(swap(to_swap_));
  return begin_batch();
}

/// Who refers to them is asked of the rows each time: copies of shared extents may have been made since. What those name was
/// copied too.
Result<void> CleaningRound::bring_over_runs() {
  COFFER_TRY(sync_copies());
  for (int look = 0; look < kLooksMax && !copies_.empty(); ++look) {
    const std::uint64_t before = receipt_.bytes_moved;
    ranges_.clear();
    COFFER_ASSIGN(const std::set<InodeId> inodes, find_shared());
    COFFER_TRY(swap(inodes));
    if (receipt_.bytes_moved == before) break;
  }
  return begin_batch();
}

Result<void> CleaningRound::begin_batch() {
  const std::uint64_t copied = std::exchange(batch_bytes_, 0);
  copies_ = CopyMap();
  to_swap_.clear();
  appending_.reset();
  if (copied > 0 && copying()) {
    auto more = pace_.after_batch(copied);
    if (!more) end_ = std::move(more);
  }
  batch_began_ = std::chrono::steady_clock::now();
  lost_before_ = deps_.segments->copies_lost();
  appending_.emplace(*deps_.ledger);
  return {};
}

bool CleaningRound::batch_is_full() const {
  return batch_bytes_ >= kBatchBytes ||
         (batch_bytes_ > 0 && std::chrono::steady_clock::now() - batch_began_ > kBatchAge);
}

void CleaningRound::unmoved(InodeId id, const std::string& what) {
  if (receipt_.unmoved.size() < CleaningReceipt::kLinesMax)
    receipt_.unmoved.push_back("inode " + std::to_string(id.value()) + ": " + what);
}

Result<void> CleaningRound::find_owners(Owners owners) {
  std::set<SegmentId> unread;
  for (const SegmentId victim : victims_) {
    const auto found = deps_.segments->owners(victim);
    if (!found) {
      if (found.error().code != Errc::NotFound) unread.insert(victim);  // else it died meanwhile
      continue;
    }
    for (const OwnerEntry& entry : found->entries)
      ranges_[entry.inode].push_back(
          {entry.file_offset.value(), entry.file_offset.value() + entry.bytes});
    if (found->unread > 0) unread.insert(victim);
  }
  if (owners == Owners::Indexes || unread.empty()) return {};
  return walk_extents(*deps_.meta, [&](InodeId inode, const Extent& extent) {
    if (extent.is_inline || !unread.contains(extent.place.segment)) return;
    ranges_[inode].push_back({extent.offset, extent.end()});
  });
}

/// Owners that are no more may be parts: their bytes stand in an object now.
Result<void> CleaningRound::follow_parts() {
  for (int step = 0; step < kForwardsMax; ++step) {
    std::map<InodeId, std::vector<FileRange>> further;
    for (auto at = ranges_.begin(); at != ranges_.end();) {
      const auto inode = deps_.inodes->get(at->first);
      if (inode || inode.error().code != Errc::NotFound) {
        ++at;
        continue;
      }
      const auto forward = read_forward(*deps_.meta, at->first);
      if (!forward && forward.error().code != Errc::NotFound) return fail(forward.error());
      for (const FileRange& range : at->second) {
        if (!forward || range.from >= forward->length) continue;
        further[forward->inode].push_back(
            {forward->base + range.from, forward->base + std::min(range.to, forward->length)});
      }
      at = ranges_.erase(at);
    }
    if (further.empty()) break;
    for (auto& [inode, ranges] : further)
      ranges_[inode].insert(ranges_[inode].end(), ranges.begin(), ranges.end());
  }
  return {};
}

/// Who refers to shared runs of the victims, by the rows. All of it is in ranges_ then.
Result<std::set<InodeId>> CleaningRound::find_shared() {
  std::set<InodeId> inodes;
  for (const SegmentId victim : victims_) {
    const std::string prefix =
        keys::shared_reference_prefix(victim, 0).substr(0, 1 + sizeof(std::uint64_t));
    auto rows = deps_.meta->cursor(prefix, keys::prefix_end(prefix));
    for (rows->seek(prefix); rows->valid(); rows->next()) {
      ByteReader in(rows->key());
      in.u8();
      in.u64_big_endian();
      in.u32_big_endian();
      const InodeId inode{in.u64_big_endian()};
      const std::uint64_t offset = in.u64_big_endian();
      ranges_[inode].push_back({offset, offset + kRunBytesMax});
      inodes.insert(inode);
    }
    COFFER_TRY(rows->status());
  }
  return inodes;
}

Result<void> CleaningRound::copy_inode(InodeId id, const std::vector<FileRange>& ranges) {
  const auto inode = deps_.inodes->get(id);
  if (!inode && inode.error().code == Errc::NotFound) return {};
  const auto named = inode ? deps_.bytes->named_in(*inode, ranges, victims_)
                           : Result<FileBytes::Named>(fail(inode.error()));
  if (!named) {
    unmoved(id, named.error().context);
    return {};
  }
  if (named->rows_behind) to_swap_.insert(id);
  std::vector<Extent> exclusive;
  for (const Extent& extent : named->extents) {
    if (extent.shared)
      runs_[{extent.place.segment, extent.run}].push_back({id, extent});
    else
      exclusive.push_back(extent);
  }
  return copy_exclusive(id, exclusive);
}

bool CleaningRound::read_behind(InodeId id, const Extent& extent) {
  const std::size_t before = buffer_.size();
  buffer_.resize(before + extent.length);
  const auto read =
      deps_.segments->read(extent.place, extent.skip,
                           {reinterpret_cast<std::byte*>(buffer_.data()) + before, extent.length},
                           SegmentStore::CacheUse::Bypass);
  if (read) return true;
  buffer_.resize(before);
  if (read.error().code != Errc::NotFound)
    unmoved(id, std::to_string(extent.length) + " bytes at " + std::to_string(extent.offset) +
                    " cannot be read: " + read.error().context);
  return false;
}

Result<void> CleaningRound::seal(CopyMap::Of of, InodeId id, std::uint64_t offset,
                                 const std::vector<std::pair<std::uint64_t, Extent>>& sources) {
  if (buffer_.empty() || !copying()) return {};
  auto copies = deps_.segments->append(SegmentStore::Stream::Survivors, id, ByteOffset{offset},
                                       as_bytes(buffer_));
  if (!copies) {
    end_ =
        fail(std::move(copies).error());  // no room; or there are no volumes, as the sync will say
    return {};
  }
  for (const Reference& one : *copies) {
    const Reference* const copy = copies_.keep(one);
    if (of == CopyMap::Of::Shared) new_runs_.add(one.place);
    const std::uint64_t begin = one.offset.value() - offset;  // in the buffer
    const std::uint64_t end = begin + one.length.value();
    for (const auto& [at, source] : sources) {
      const std::uint64_t from = std::max(begin, at);
      const std::uint64_t to = std::min(end, at + source.length);
      if (from >= to) continue;
      copies_.add(of, source.place.segment, position_of(source) + (from - at), to - from, copy,
                  from - begin);
    }
  }
  receipt_.bytes_copied += buffer_.size();
  batch_bytes_ += buffer_.size();
  if (auto more = pace_.after_piece(); !more) end_ = std::move(more);
  return {};
}

Result<void> CleaningRound::copy_exclusive(InodeId id, const std::vector<Extent>& extents) {
  std::vector<std::pair<std::uint64_t, Extent>> sources;  // what is in the buffer
  const auto seal_those = [&]() -> Result<void> {
    if (!sources.empty())
      COFFER_TRY(seal(CopyMap::Of::Exclusive, id, sources.front().second.offset, sources));
    sources.clear();
    buffer_.clear();
    return {};
  };
  buffer_.clear();
  for (const Extent& extent : extents) {
    if (!copying()) break;
    const bool goes_on = !sources.empty() && sources.back().second.end() == extent.offset &&
                         buffer_.size() + extent.length <= kTogetherBytes;
    if (!goes_on) COFFER_TRY(seal_those());
    if (batch_is_full()) COFFER_TRY(bring_over());
    to_swap_.insert(id);
    const std::uint64_t at = buffer_.size();
    if (read_behind(id, extent))
      sources.emplace_back(at, extent);
    else
      COFFER_TRY(seal_those());
  }
  return seal_those();
}

/// The parts of the run that somebody refers to, each once; each stands in the file that the copy's owner index names.
Result<void> CleaningRound::copy_run(std::vector<SharedPiece> pieces) {
  std::ranges::sort(pieces, {}, [](const SharedPiece& one) { return position_of(one.extent); });
  std::uint64_t reached = 0;  // position behind what was copied
  for (const SharedPiece& piece : pieces) {
    const std::uint64_t begin = position_of(piece.extent);
    const std::uint64_t end = begin + piece.extent.length;
    if (end <= reached) continue;
    const std::uint64_t known = reached > begin ? reached - begin : 0;
    const Extent rest = piece.extent.slice(piece.extent.offset + known, piece.extent.end());
    buffer_.clear();
    if (!read_behind(piece.inode, rest)) continue;
    COFFER_TRY(seal(CopyMap::Of::Shared, piece.inode, rest.offset, {{0, rest}}));
    reached = end;
  }
  buffer_.clear();
  return {};
}

Result<void> CleaningRound::swap(const std::set<InodeId>& inodes) {
  for (const InodeId id : inodes) {
    const auto inode = deps_.inodes->get(id);
    if (!inode && inode.error().code == Errc::NotFound) continue;
    const auto moved =
        inode ? deps_.bytes->swap_places(*inode, ranges_[id], victims_, copies_, new_runs_)
              : Result<std::uint64_t>(fail(inode.error()));
    if (moved)
      receipt_.bytes_moved += *moved;
    else
      unmoved(id, moved.error().context);
  }
  return {};
}

}  // namespace coffer
