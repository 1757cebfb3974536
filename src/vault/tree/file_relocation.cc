/// Cleaning, from the file's side: which of its bytes lie in certain segments, and the swap of places (docs/decisions/0014,
/// steps 3 and 6).

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "coffer/core/log.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/keys.h"
#include "vault/tree/live_count.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {
namespace {

/// Live bytes that these extents of copies bring: whole chunks, each once.
LiveBytes count_chunks(const std::vector<Extent>& extents) {
  std::map<std::pair<SegmentId, std::uint32_t>, std::uint32_t> chunks;
  for (const Extent& extent : extents) {
    const std::uint32_t count = extent.place.chunks();
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t bytes =
          i + 1 < count ? kChunkBytes : extent.place.bytes - i * kChunkBytes;
      chunks[{extent.place.segment, extent.place.ordinal + i}] = bytes;
    }
  }
  LiveBytes live;
  for (const auto& [chunk, bytes] : chunks) live[chunk.first] += bytes;
  return live;
}

}  // namespace

Result<FileBytes::Named> FileBytes::named_in(const InodeRef& inode,
                                             const std::vector<FileRange>& ranges,
                                             const std::set<SegmentId>& segments) {
  Named named;
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed || inode->taken_apart) return named;
  std::map<std::uint64_t, Extent> found;
  for (const FileRange& range : ranges) {
    COFFER_TRY(load_around(*inode, range.from, range.to));
    inode->content.extents.for_each(range.from, range.to, [&](const Extent& extent) {
      if (!extent.is_inline && segments.contains(extent.place.segment))
        found.emplace(extent.offset, extent);
    });
  }
  for (auto& entry : found) named.extents.push_back(std::move(entry.second));
  named.rows_behind = inode->dirty;
  return named;
}

/// (locked) What commit_locked() does but for pending bytes.
Result<void> FileBytes::commit_settled(Inode& inode) {
  MetaBatch batch;
  deps_.inodes->stage(batch, inode);
  return commit_batch(std::move(batch), {&inode});
}

/// (locked) Bytes that find no room stay pending, as with a change of attributes.
Result<void> FileBytes::settle_as_far_as_room(Inode& inode) {
  auto settled = settle(inode, Settle::Sealed);
  if (!settled && settled.error().code == Errc::NoSpace) return {};
  return settled;
}

void FileBytes::commit_freed() {
  for (const InodeRef& inode : deps_.inodes->dirty()) {
    ExclusiveLock lock(inode->mutex);
    const bool has = !inode->reclaimed && !inode->taken_apart && !inode->content.removed.empty();
    if (!has) continue;
    auto done = settle_as_far_as_room(*inode);
    if (done) done = commit_settled(*inode);
    if (!done) log_warning("commit of inode {}: {}", inode->id, done.error().context);
  }
}

/// (locked) Stages the rows and live bytes of new runs that `found` are the first to refer to; gives those runs.
std::vector<NewRuns::Key> FileBytes::bring_runs(MetaBatch& batch, Inode& inode,
                                                const std::vector<CopyMap::Found>& found,
                                                const NewRuns& runs) {
  std::vector<NewRuns::Key> brought;
  LiveBytes live;
  for (const CopyMap::Found& one : found) {
    if (!one.extent.shared) continue;
    const NewRuns::Key key{one.extent.place.segment, one.extent.run};
    if (runs.has_row(key) || std::ranges::find(brought, key) != brought.end()) continue;
    const Place& place = one.copy->place;
    batch.put(keys::shared_run(key.first, key.second),
              encode_shared_run({place.chunks(), place.bytes}));
    live[key.first] += place.bytes;
    brought.push_back(key);
  }
  deps_.ledger->pin(live);
  for (const auto& [segment, bytes] : live) inode.content.added[segment] += bytes;
  return brought;
}

Result<std::uint64_t> FileBytes::swap_places(const InodeRef& inode,
                                             const std::vector<FileRange>& ranges,
                                             const std::set<SegmentId>& segments,
                                             const CopyMap& copies, NewRuns& runs) {
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed || inode->taken_apart) return std::uint64_t{0};
  COFFER_TRY(settle_as_far_as_room(*inode));  // answered before, committed before
  std::map<std::uint64_t, CopyMap::Found> by_offset;
  for (const FileRange& range : ranges) {
    COFFER_TRY(load_around(*inode, range.from, range.to));
    inode->content.extents.for_each(range.from, range.to, [&](const Extent& extent) {
      if (extent.is_inline || !segments.contains(extent.place.segment)) return;
      for (CopyMap::Found& found : copies.find(extent)) {
        const std::uint64_t offset = found.extent.offset;
        by_offset.emplace(offset, std::move(found));
      }
    });
  }
  std::vector<CopyMap::Found> found;
  bool any_shared = false;
  for (auto& [offset, one] : by_offset) {
    any_shared = any_shared || one.extent.shared;
    COFFER_TRY(load_around(*inode, one.extent.offset, one.extent.end()));
    found.push_back(std::move(one));
  }
  // Rows may still name the segments where memory does not; and a shared reference is never only in memory: what could fail
  // for other reasons goes first.
  if (inode->dirty && (found.empty() || any_shared)) COFFER_TRY(commit_settled(*inode));
  if (found.empty()) return std::uint64_t{0};
  inode->taken_apart = any_shared;
  return swap_locked(*inode, found, runs);
}

/// (locked) `found` stand where extents with the same bytes stand now.
Result<std::uint64_t> FileBytes::swap_locked(Inode& inode, const std::vector<CopyMap::Found>& found,
                                             NewRuns& runs) {
  FileContent& content = inode.content;
  MetaBatch batch;
  std::vector<Extent> gone;
  std::vector<Extent> exclusive;
  std::set<const Reference*> copies;
  std::uint64_t bytes = 0;
  for (const CopyMap::Found& one : found) {
    auto pieces = content.extents.remove(one.extent.offset, one.extent.end());
    std::ranges::move(pieces, std::back_inserter(gone));
    content.extents.insert(one.extent);
    if (!one.extent.shared) exclusive.push_back(one.extent);
    if (copies.insert(one.copy).second) content.uncommitted.push_back(*one.copy);
    bytes += one.extent.length;
  }
  count_removed(content, gone);
  const LiveBytes live = count_chunks(exclusive);
  for (const auto& [segment, added] : live) content.added[segment] += added;
  deps_.ledger->pin(live);
  const std::vector<NewRuns::Key> brought = bring_runs(batch, inode, found, runs);
  deps_.inodes->mark_dirty(inode);
  deps_.inodes->stage(batch, inode);
  COFFER_TRY(commit_batch(std::move(batch), {&inode}));
  for (const NewRuns::Key& key : brought) runs.row_committed(key);
  return bytes;
}

}  // namespace coffer
