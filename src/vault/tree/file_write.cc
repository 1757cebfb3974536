#include <algorithm>

#include "coffer/core/log.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/live_count.h"
#include "vault/tree/segment_ledger.h"

namespace coffer {
namespace {
// Writes of at least this much are sealed at once, outside of the inode's lock.
constexpr std::size_t kSealAtOnceBytes = 64 * 1024;
// Pending bytes up to this many become rows at an fsync (docs/architecture.md, "The data's way").
constexpr std::uint64_t kInlineAtSyncMax = 32 * 1024;
// A run up to this size stays a row also when it is settled for good: a chunk of its own would cost
// more than it holds.
constexpr std::uint64_t kInlineRunMax = 512;
constexpr std::uint64_t kFileSizeMax = INT64_MAX;

Extent extent_of(const Reference& reference) {
  Extent extent;
  extent.offset = reference.offset.value();
  extent.length = reference.length.value();
  extent.place = reference.place;
  extent.skip = reference.skip;
  return extent;
}

Extent inline_extent(std::uint64_t offset, std::string data) {
  Extent extent;
  extent.offset = offset;
  extent.length = data.size();
  extent.is_inline = true;
  extent.data = std::move(data);
  return extent;
}
}  // namespace

Result<void> FileBytes::load_around(Inode& inode, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t begin = from > kChunkBytes ? from - kChunkBytes : 0;
  const std::uint64_t end = to < UINT64_MAX - kChunkBytes ? to + kChunkBytes : UINT64_MAX;
  return inode.content.extents.load(begin, end, deps_.inodes->extent_loader(inode.id));
}

Result<void> FileBytes::clear_range(Inode& inode, std::uint64_t from, std::uint64_t to) {
  COFFER_TRY(load_around(inode, from, to));
  FileContent& content = inode.content;
  content.pending.erase(from, to);
  count_removed(content, content.extents.remove(from, to));
  return {};
}

void FileBytes::put_references(Inode& inode, const std::vector<Reference>& references) {
  FileContent& content = inode.content;
  deps_.ledger->pin(count_added(content, references));
  for (const Reference& reference : references) content.extents.insert(extent_of(reference));
  content.uncommitted.insert(content.uncommitted.end(), references.begin(), references.end());
  const Reference& last = references.back();
  content.settled_size = std::max(content.settled_size, last.offset.value() + last.length.value());
}

void FileBytes::touch(Inode& inode) {
  const Timespec now = wall_now();
  inode.record.attributes.mtime = now;
  inode.record.attributes.ctime = now;
  ++inode.record.content_version;
  InodeStore::account(inode);
  deps_.inodes->mark_dirty(inode);
}

Result<void> FileBytes::write(const InodeRef& inode, std::uint64_t offset, Bytes data) {
  if (data.empty()) return {};
  if (offset > kFileSizeMax || data.size() > kFileSizeMax - offset) {
    return fail(Errc::TooLarge, "file beyond 2^63-1 bytes");
  }
  return with_open_version(inode, [&] {
    return with_room([&] {
      return data.size() >= kSealAtOnceBytes ? write_sealed(inode, offset, data)
                                             : write_pending(inode, offset, data);
    });
  });
}

Result<void> FileBytes::write_pending(const InodeRef& inode, std::uint64_t offset, Bytes data) {
  PendingRoom* const room = deps_.pending_room;
  if (room != nullptr) COFFER_TRY(room->admit(data.size()));
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
  if (inode->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
  FileContent& content = inode->content;
  // Before the new bytes are put beside them: nothing stays of a write that is refused.
  const bool many = content.pending.bytes() + data.size() > PendingBytes::kBytesMax;
  if (many || (room != nullptr && room->full())) COFFER_TRY(settle(*inode, Settle::Sealed));
  Attributes& attributes = inode->record.attributes;
  if (content.pending.empty()) content.settled_size = attributes.size;
  content.pending.charge_to(room);
  content.pending.write(offset, data);
  attributes.size = std::max(attributes.size, offset + data.size());
  touch(*inode);
  return {};
}

Result<void> FileBytes::write_sealed(const InodeRef& inode, std::uint64_t offset, Bytes data) {
  {
    SharedLock lock(inode->mutex);  // rather than seal what cannot be put in
    if (inode->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
  }
  const SegmentLedger::Appending appending(*deps_.ledger);
  COFFER_ASSIGN(
      const std::vector<Reference> references,
      deps_.segments->append(SegmentStore::Stream::NewData, inode->id, ByteOffset{offset}, data));
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed) return fail(Errc::Stale, "inode is gone");
  if (inode->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
  COFFER_TRY(clear_range(*inode, offset, offset + data.size()));
  put_references(*inode, references);
  Attributes& attributes = inode->record.attributes;
  attributes.size = std::max(attributes.size, offset + data.size());
  touch(*inode);
  return {};
}

Result<void> FileBytes::seal_run(Inode& inode, std::uint64_t offset, Bytes data) {
  const SegmentLedger::Appending appending(*deps_.ledger);
  COFFER_ASSIGN(
      const std::vector<Reference> references,
      deps_.segments->append(SegmentStore::Stream::NewData, inode.id, ByteOffset{offset}, data));
  // The run's own pending bytes are still there; clear_range() drops them with what stood below.
  COFFER_TRY(clear_range(inode, offset, offset + data.size()));
  put_references(inode, references);
  return {};
}

Result<void> FileBytes::settle(Inode& inode, Settle how) {
  FileContent& content = inode.content;
  const bool as_rows = how == Settle::InlineIfSmall && content.pending.bytes() <= kInlineAtSyncMax;
  // Run by run: what a failure leaves pending is still readable and is tried again.
  while (!content.pending.empty()) {
    const auto [offset, run] = *content.pending.runs().begin();
    if (as_rows || run.size() <= kInlineRunMax) {
      COFFER_TRY(clear_range(inode, offset, offset + run.size()));
      content.settled_size = std::max(content.settled_size, offset + run.size());
      content.extents.insert(inline_extent(offset, run));
    } else {
      COFFER_TRY(seal_run(inode, offset, as_bytes(run)));
    }
  }
  return {};
}

Result<void> FileBytes::commit_below(Inode& inode, std::uint64_t size) {
  PendingBytes& pending = inode.content.pending;
  const PendingBytes::Runs cut = pending.cut(size);
  Result<void> done = settle(inode, Settle::Sealed);
  if (done) {
    inode.record.attributes.size = inode.content.settled_size;
    done = commit_locked(inode, Settle::Sealed);
  }
  if (!done && !inode.reclaimed) {
    for (const auto& [offset, run] : cut) pending.write(offset, as_bytes(run));
  }
  return done;
}

Result<void> FileBytes::resize(Inode& inode, std::uint64_t size) {
  if (size > kFileSizeMax) return fail(Errc::TooLarge, "file beyond 2^63-1 bytes");
  // What can fail comes first, and what was answered before does not hang on this change: once extents are cut, a failure must
  // not show holes for bytes that the rows still have.
  Attributes& attributes = inode.record.attributes;
  if (size < attributes.size) COFFER_TRY(load_around(inode, size, attributes.size));
  if (inode.dirty) {
    Result<void> done = commit_locked(inode, Settle::Sealed);
    const bool no_room = !done && done.error().code == Errc::NoSpace;
    if (no_room && size < attributes.size) done = commit_below(inode, size);
    if (!done) return done;
  }
  if (size < attributes.size) COFFER_TRY(load_around(inode, size, attributes.size));
  inode.taken_apart = true;
  if (size < attributes.size) COFFER_TRY(clear_range(inode, size, attributes.size));
  attributes.size = size;
  inode.content.settled_size = size;
  touch(inode);
  return {};
}

Result<void> FileBytes::commit_batch(MetaBatch batch, std::initializer_list<Inode*> inodes) {
  bool new_references = false;
  for (const Inode* inode : inodes) new_references |= !inode->content.uncommitted.empty();
  // Rows in the log must find their bytes in the shard files (kill -9).
  Result<void> done;
  if (new_references) done = deps_.segments->write_out();
  if (done) {
    if (auto position = deps_.meta->commit(std::move(batch)); !position)
      done = fail(std::move(position).error());
  }
  for (Inode* inode : inodes) {
    if (done)
      deps_.inodes->committed(*inode);
    else
      deps_.inodes->uncommitted(*inode);
  }
  return done;
}

Result<void> FileBytes::commit(const InodeRef& inode, Settle how) {
  COFFER_TRY(deps_.check_intact());
  ExclusiveLock lock(inode->mutex);
  inode->newborn = false;
  if (inode->reclaimed || !inode->dirty) return {};
  return commit_locked(*inode, how);
}

Result<void> FileBytes::commit_locked(Inode& inode, Settle how) {
  if (inode.taken_apart) return fail(Errc::Io, "an earlier change of the file was cut short");
  COFFER_TRY(settle(inode, how));
  MetaBatch batch;
  deps_.inodes->stage(batch, inode);
  return commit_batch(std::move(batch), {&inode});
}

Result<void> FileBytes::seal_again(const InodeRef& inode, const Reference& reference) {
  ExclusiveLock lock(inode->mutex);
  if (inode->reclaimed) return {};
  const std::uint64_t from = reference.offset.value();
  const std::uint64_t to = from + reference.length.value();
  COFFER_TRY(load_around(*inode, from, to));
  std::vector<Extent> standing;  // overwritten since, in part or in whole: only the rest is moved
  inode->content.extents.for_each(from, to, [&](const Extent& extent) {
    const bool same_stripe = !extent.is_inline && extent.place.segment == reference.place.segment &&
                             extent.place.stripe == reference.place.stripe;
    if (same_stripe) standing.push_back(extent.slice(from, to));
  });
  for (const Extent& extent : standing) {
    std::string bytes(extent.length, '\0');
    COFFER_TRY(deps_.segments->read(extent.place, extent.skip,
                                    {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()},
                                    SegmentStore::CacheUse::Bypass));
    COFFER_TRY(seal_run(*inode, extent.offset, as_bytes(bytes)));
    deps_.inodes->mark_dirty(*inode);
  }
  return {};
}

Result<void> FileBytes::deliver(const InodeRef& inode, Settle how) {
  return with_room([&] { return commit(inode, how); });
}

void FileBytes::give_up_pending() {
  for (const InodeRef& inode : deps_.inodes->dirty()) {
    ExclusiveLock lock(inode->mutex);
    FileContent& content = inode->content;
    if (inode->reclaimed || content.pending.empty()) continue;
    log_warning("no space: {} written bytes of inode {} are given up", content.pending.bytes(),
                inode->id);
    content.pending.take();
    inode->record.attributes.size = content.settled_size;
    touch(*inode);
  }
}

Result<void> FileBytes::commit_all() {
  Result<void> first;
  bool made_room = false;
  for (const InodeRef& inode : deps_.inodes->dirty()) {
    auto done = commit(inode, Settle::Sealed);
    if (!done && done.error().code == Errc::NoSpace && deps_.make_room && !made_room) {
      made_room = true;  // once is enough for all
      deps_.make_room();
      done = commit(inode, Settle::Sealed);
    }
    if (!done && first) first = std::move(done);
  }
  return first;
}

}  // namespace coffer
