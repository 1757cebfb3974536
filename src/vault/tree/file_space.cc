/// Operations on a file's extents that move no bytes: fallocate(2), copy_file_range(2), multipart
/// complete.

#include <algorithm>
#include <map>

#include "vault/tree/file_bytes.h"
#include "vault/tree/keys.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {
namespace {
constexpr std::uint64_t kFileSizeMax = INT64_MAX;

/// A shared run being made of exclusive extents that have chunks in common, directly or through
/// others.
struct RunGroup {
  Place first;  // of the lowest ordinal
  std::uint32_t end_ordinal = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> offsets;  // of its extents
};

/// Groups in file order: neighbours in a file that refer to a common chunk are within one chunk's
/// length of each other.
std::vector<RunGroup> group_exclusive(const ExtentMap& extents, std::uint64_t begin,
                                      std::uint64_t end) {
  std::vector<RunGroup> groups;
  std::map<std::pair<SegmentId, std::uint32_t>, std::size_t> by_last_chunk;
  extents.for_each(begin, end, [&](const Extent& extent) {
    if (extent.is_inline || extent.shared) return;
    const Place& place = extent.place;
    const std::uint32_t end_ordinal = place.ordinal + place.chunks();
    const auto found = by_last_chunk.find({place.segment, place.ordinal});
    if (found != by_last_chunk.end()) {
      const std::size_t index = found->second;
      RunGroup& group = groups[index];
      // The common chunk is counted already; it is a full one unless the extent has no other.
      group.bytes += place.bytes > kChunkBytes ? place.bytes - kChunkBytes : 0;
      group.end_ordinal = end_ordinal;
      group.offsets.push_back(extent.offset);
      by_last_chunk.erase(found);
      by_last_chunk[{place.segment, end_ordinal - 1}] = index;
      return;
    }
    by_last_chunk[{place.segment, end_ordinal - 1}] = groups.size();
    groups.push_back({place, end_ordinal, place.bytes, {extent.offset}});
  });
  return groups;
}
}  // namespace

Result<void> FileBytes::allocate(const InodeRef& inode, AllocateMode mode, std::uint64_t offset,
                                 std::uint64_t length) {
  if (length == 0) return fail(Errc::InvalidArgument, "fallocate of nothing");
  if (offset > kFileSizeMax || length > kFileSizeMax - offset) {
    return fail(Errc::TooLarge, "file beyond 2^63-1 bytes");
  }
  return with_open_version(inode,
                           [&] { return allocate_once(inode, mode, offset, offset + length); });
}

Result<void> FileBytes::allocate_once(const InodeRef& inode, AllocateMode mode,
                                      std::uint64_t offset, std::uint64_t end) {
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
  if (inode->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
  const Protection protection = inode->record.protection();
  const bool erases = mode == AllocateMode::PunchHole || mode == AllocateMode::ZeroRange;
  if (protection.immutable || (protection.append_only && erases)) {
    return fail(Errc::Permission, "protected");
  }
  Attributes& attributes = inode->record.attributes;
  if (erases) {
    // A hole reads as zeros and takes no space: that is all that ZERO_RANGE promises too.
    COFFER_TRY(clear_range(*inode, offset, end));
  }
  if ((mode == AllocateMode::Extend || mode == AllocateMode::ZeroRange) && end > attributes.size) {
    attributes.size = inode->content.settled_size = end;
  }
  touch(*inode);
  return {};
}

/// Makes every exclusive extent that touches [begin, end) of `from` a shared one.
Result<void> FileBytes::share_range(MetaBatch& batch, Inode& from, std::uint64_t begin,
                                    std::uint64_t end) {
  // Extents that share a chunk with one inside may reach over the borders, hand over hand: widen
  // until none does.
  ExtentMap& extents = from.content.extents;
  bool wider = true;
  while (wider) {
    COFFER_TRY(load_around(from, begin, end));
    wider = false;
    const std::uint64_t near_begin = begin > kChunkBytes ? begin - kChunkBytes : 0;
    const std::uint64_t old_begin = begin;
    const std::uint64_t old_end = end;
    std::map<std::pair<SegmentId, std::uint32_t>, bool> inside;
    extents.for_each(old_begin, old_end, [&](const Extent& e) {
      if (e.is_inline || e.shared) return;
      begin = std::min(begin, e.offset);
      end = std::max(end, e.end());
      inside[{e.place.segment, e.place.ordinal}] = true;
      inside[{e.place.segment, e.place.ordinal + e.place.chunks() - 1}] = true;
    });
    extents.for_each(near_begin, old_end + kChunkBytes, [&](const Extent& e) {
      if (e.is_inline || e.shared) return;
      if (inside.contains({e.place.segment, e.place.ordinal}) ||
          inside.contains({e.place.segment, e.place.ordinal + e.place.chunks() - 1})) {
        begin = std::min(begin, e.offset);
        end = std::max(end, e.end());
      }
    });
    wider = begin < old_begin || end > old_end;
  }
  for (const RunGroup& group : group_exclusive(extents, begin, end)) {
    batch.put(keys::shared_run(group.first.segment, group.first.ordinal),
              encode_shared_run({group.end_ordinal - group.first.ordinal, group.bytes}));
    for (const std::uint64_t offset : group.offsets) {
      Extent extent = *extents.find(offset);
      extents.remove(extent.offset,
                     extent.end());  // not counted: the run takes over its live bytes
      extent.shared = true;
      extent.run = group.first.ordinal;
      extents.insert(extent);
    }
  }
  return {};
}

Result<void> FileBytes::copy_locked(Inode& from, std::uint64_t from_offset, Inode& to,
                                    std::uint64_t to_offset, std::uint64_t length) {
  // What can fail comes before the extents change; should the commit fail, both are read again from their rows.
  for (Inode* inode : {&from, &to}) {
    if (inode->dirty) COFFER_TRY(commit_locked(*inode, Settle::Sealed));
  }
  COFFER_TRY(load_around(to, to_offset, to_offset + length));
  MetaBatch batch;
  COFFER_TRY(share_range(batch, from, from_offset, from_offset + length));
  from.taken_apart = to.taken_apart = true;
  std::vector<Extent> copies;
  from.content.extents.for_each(from_offset, from_offset + length, [&](const Extent& extent) {
    Extent copy = extent.slice(from_offset, from_offset + length);
    copy.offset = copy.offset - from_offset + to_offset;
    copies.push_back(std::move(copy));
  });
  COFFER_TRY(clear_range(to, to_offset, to_offset + length));
  for (const Extent& copy : copies) to.content.extents.insert(copy);
  Attributes& attributes = to.record.attributes;
  attributes.size = std::max(attributes.size, to_offset + length);
  touch(to);
  // One batch for both: a reference row of a shared run is never only in memory.
  deps_.inodes->stage(batch, from);
  if (&from == &to) return commit_batch(std::move(batch), {&from});
  deps_.inodes->stage(batch, to);
  return commit_batch(std::move(batch), {&from, &to});
}

Result<std::uint64_t> FileBytes::copy_range(const InodeRef& from, std::uint64_t from_offset,
                                            const InodeRef& to, std::uint64_t to_offset,
                                            std::uint64_t length) {
  if (to_offset > kFileSizeMax || length > kFileSizeMax - to_offset) {
    return fail(Errc::TooLarge, "file beyond 2^63-1 bytes");
  }
  const auto copy = [&]() -> Result<std::uint64_t> {
    if (from->reclaimed || to->reclaimed) return fail(Errc::Stale, "inode is gone");
    if (to->record.protection().any()) return fail(Errc::Permission, "protected");
    if (to->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
    const std::uint64_t size = from->record.attributes.size;
    if (from_offset >= size) return std::uint64_t{0};
    const std::uint64_t copied = std::min(length, size - from_offset);
    if (from == to && from_offset < to_offset + copied && to_offset < from_offset + copied) {
      return fail(Errc::InvalidArgument, "ranges overlap");
    }
    if (copied > 0) COFFER_TRY(copy_locked(*from, from_offset, *to, to_offset, copied));
    return copied;
  };
  const auto locked = [&] {
    if (from == to) {
      ExclusiveLock lock(from->mutex);
      return copy();
    }
    Inode* const first = from->id < to->id ? from.get() : to.get();
    Inode* const second = first == from.get() ? to.get() : from.get();
    ExclusiveLock first_lock(first->mutex);
    ExclusiveLock second_lock(second->mutex);
    return copy();
  };
  return with_open_version(to, [&] { return with_room(locked); });
}

Result<void> FileBytes::move_all(MetaBatch& batch, Inode& part, Inode& to) {
  COFFER_TRY(settle(part, Settle::Sealed));
  const std::uint64_t base = to.record.attributes.size;
  const std::uint64_t length = part.record.attributes.size;
  COFFER_TRY(part.content.extents.load(0, UINT64_MAX, deps_.inodes->extent_loader(part.id)));
  for (Extent extent : part.content.extents.remove(0, UINT64_MAX)) {
    if (part.record.has(InodeRecord::kExtentRows))
      batch.remove(keys::extent(part.id, extent.offset));
    extent.offset += base;
    to.content.extents.insert(extent);
  }
  for (const auto& [key, present] : part.content.extents.take_shared_changes()) {
    if (!present) batch.remove(keys::shared_reference(key.segment, key.run, part.id, key.offset));
  }
  // What the part had not committed yet is the object's to commit now.
  FileContent& source = part.content;
  FileContent& target = to.content;
  target.uncommitted.insert(target.uncommitted.end(), source.uncommitted.begin(),
                            source.uncommitted.end());
  for (const auto& [segment, bytes] : source.added) target.added[segment] += bytes;
  for (const auto& [segment, bytes] : source.removed) target.removed[segment] += bytes;
  source = FileContent{};
  // The owner indexes of its stripes name the part: this row leads on from there.
  std::string forward;
  ByteWriter out(forward);
  out.varint(to.id.value());
  out.varint(base);
  out.varint(length);
  batch.put(keys::forward(part.id), forward);
  to.record.attributes.size = base + length;
  touch(to);
  part.taken_apart = true;
  deps_.inodes->stage_gone(batch, part);
  return {};
}

}  // namespace coffer
