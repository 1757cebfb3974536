#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "vault/tree/file_bytes.h"

namespace coffer {
namespace {
// Reads of at least this much stream: they leave the chunk cache alone.
constexpr std::size_t kStreamingReadBytes = 64 * 1024;
// How far ahead of a sequential reader the volumes are asked, and the least that is worth asking for.
constexpr std::uint64_t kReadAheadBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kReadAheadStep = std::uint64_t{1} << 20;
// How often a read looks again when a segment vanished under its snapshot. Each time something was
// relocated or overwritten.
constexpr int kSnapshotTries = 16;

struct Piece {
  std::uint64_t offset;  // in the file
  std::uint32_t skip;
  std::uint32_t length;
  Place place;
};

/// One moment of a range of a file.
struct Snapshot {
  std::size_t length = 0;     // of the read, cut at the end of the file
  std::vector<Piece> pieces;  // to be read from segments
  std::vector<std::pair<std::uint64_t, std::string>> pending;  // to be laid over them
};

/// Holes and inline bytes go to `out` at once.
Snapshot take_snapshot(const Inode& inode, std::uint64_t offset, MutableBytes out) {
  Snapshot snapshot;
  const std::uint64_t size = inode.record.attributes.size;
  if (offset >= size) return snapshot;
  snapshot.length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size - offset));
  const std::uint64_t end = offset + snapshot.length;
  std::uint64_t at = offset;
  const auto zero_to = [&](std::uint64_t to) {
    if (to > at) std::memset(out.data() + (at - offset), 0, to - at);
  };
  inode.content.extents.for_each(offset, end, [&](const Extent& extent) {
    const Extent part = extent.slice(offset, end);
    zero_to(part.offset);
    if (part.is_inline) {
      std::memcpy(out.data() + (part.offset - offset), part.data.data(), part.data.size());
    } else {
      snapshot.pieces.push_back(
          {part.offset, part.skip, static_cast<std::uint32_t>(part.length), part.place});
    }
    at = part.end();
  });
  zero_to(end);
  for (const auto& [start, run] : inode.content.pending.runs()) {
    if (start >= end) break;
    if (start + run.size() <= offset) continue;
    const std::uint64_t from = std::max(start, offset);
    const std::uint64_t to = std::min(end, start + run.size());
    snapshot.pending.emplace_back(from, run.substr(from - start, to - from));
  }
  return snapshot;
}
}  // namespace

void FileBytes::read_ahead(Inode& inode, std::uint64_t begin, std::uint64_t end) {
  std::uint64_t asked = inode.read_ahead_to.load(std::memory_order_relaxed);
  if (begin > asked || begin + 2 * kReadAheadBytes < asked) {
    inode.read_ahead_to.store(
        end, std::memory_order_relaxed);  // not one after another; maybe from now on
    return;
  }
  const std::uint64_t from = std::max(asked, end);
  const std::uint64_t to = end + kReadAheadBytes;
  if (to < from + kReadAheadStep) return;
  // Of two readers side by side one does it.
  if (!inode.read_ahead_to.compare_exchange_strong(asked, to, std::memory_order_relaxed)) return;
  std::vector<Extent> next;
  {
    SharedLock lock(inode.mutex);
    if (!inode.content.extents.loaded(from, to)) return;
    inode.content.extents.for_each(from, to, [&](const Extent& extent) {
      if (!extent.is_inline) next.push_back(extent.slice(from, to));
    });
  }
  for (const Extent& extent : next)
    deps_.segments->read_ahead(extent.place, extent.skip,
                               static_cast<std::uint32_t>(extent.length));
}

Result<std::size_t> FileBytes::read(const InodeRef& inode, std::uint64_t offset, MutableBytes out) {
  if (offset + out.size() < offset) return fail(Errc::InvalidArgument, "read beyond 2^64");
  for (int tries = 0;; ++tries) {
    Snapshot snapshot;
    bool loaded = false;
    {
      SharedLock lock(inode->mutex);
      if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
      loaded = inode->content.extents.loaded(offset, offset + out.size());
      if (loaded) snapshot = take_snapshot(*inode, offset, out);
    }
    if (!loaded) {
      ExclusiveLock lock(inode->mutex);
      if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
      COFFER_TRY(inode->content.extents.load(offset, offset + out.size(),
                                             deps_.inodes->extent_loader(inode->id)));
      snapshot = take_snapshot(*inode, offset, out);
    }
    const auto cache = snapshot.length >= kStreamingReadBytes ? SegmentStore::CacheUse::Bypass
                                                              : SegmentStore::CacheUse::Keep;
    if (cache == SegmentStore::CacheUse::Bypass)
      read_ahead(*inode, offset, offset + snapshot.length);
    bool again = false;
    for (const Piece& piece : snapshot.pieces) {
      auto got = deps_.segments->read(piece.place, piece.skip,
                                      out.subspan(piece.offset - offset, piece.length), cache);
      if (got) continue;
      if (got.error().code != Errc::NotFound) return fail(std::move(got).error());
      if (tries >= kSnapshotTries) return fail(Errc::Io, "a live extent names no segment");
      again = true;
      break;
    }
    if (again) continue;
    for (const auto& [start, bytes] : snapshot.pending) {
      std::memcpy(out.data() + (start - offset), bytes.data(), bytes.size());
    }
    return snapshot.length;
  }
}

Result<std::uint64_t> FileBytes::seek(const InodeRef& inode, std::uint64_t offset,
                                      SeekTarget target) {
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
  const std::uint64_t size = inode->record.attributes.size;
  if (offset >= size) return fail(Errc::NotFound, "seek behind the end of the file");
  FileContent& content = inode->content;
  COFFER_TRY(content.extents.load(offset, size, deps_.inodes->extent_loader(inode->id)));
  // Runs of data in order: extents and pending bytes, merged as they come.
  std::map<std::uint64_t, std::uint64_t> data;
  content.extents.for_each(offset, size, [&](const Extent& e) { data[e.offset] = e.end(); });
  for (const auto& [start, run] : content.pending.runs()) {
    std::uint64_t& end = data[start];
    end = std::max(end, start + run.size());
  }
  std::uint64_t at = offset;
  for (const auto& [start, end] : data) {
    if (end <= at) continue;
    if (start > at) {
      return target == SeekTarget::Hole ? at : std::min(start, size);
    }
    if (target == SeekTarget::Data) return at;
    at = end;
  }
  if (target == SeekTarget::Data) return fail(Errc::NotFound, "no data behind the offset");
  return std::min(at, size);
}

}  // namespace coffer
