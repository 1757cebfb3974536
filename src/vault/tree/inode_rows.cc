#include <algorithm>

#include "vault/tree/inode_store_impl.h"
#include "vault/tree/live_count.h"

namespace coffer {
namespace {
// Extents of a small file travel in the inode's own row.
constexpr std::size_t kRowExtentsMax = 6;
constexpr std::size_t kRowExtentBytesMax = 4096;
// An unlinked file with more extents than this is taken apart by the reaper, in bounded batches.
constexpr std::size_t kExtentsAtOnce = 2048;

}  // namespace

Result<void> InodeStore::Impl::load(Inode& inode) {
  COFFER_ASSIGN(const auto row, deps.meta->get(keys::inode(inode.id)));
  if (!row) return fail(Errc::NotFound, "no such inode");
  COFFER_ASSIGN(inode.record, decode_inode(inode.id, *row));
  if (inode.record.has(InodeRecord::kExtentRows)) {
    inode.content.extents.reset_to_rows();
  } else {
    COFFER_ASSIGN(std::vector<Extent> extents, decode_extents(inode.record.extents));
    inode.content.extents.reset(std::move(extents));
    inode.record.extents.clear();
  }
  inode.content.extent_bytes = inode.record.attributes.allocated;  // nothing is pending in a row
  inode.orphan_row = inode.record.attributes.nlink == 0;
  return {};
}

ExtentMap::Loader InodeStore::extent_loader(InodeId inode) const {
  return [this, inode](std::uint64_t from, std::uint64_t to) -> Result<std::vector<Extent>> {
    std::vector<Extent> found;
    const std::string end =
        to == UINT64_MAX ? keys::prefix_end(keys::extent_prefix(inode)) : keys::extent(inode, to);
    const std::string start = keys::extent(inode, from);
    auto rows = impl_->deps.meta->cursor(start, end);
    for (rows->seek(start); rows->valid(); rows->next()) {
      ByteReader in(rows->value());
      COFFER_ASSIGN(Extent extent, decode_extent(keys::second_number_of(rows->key()), in));
      found.push_back(std::move(extent));
    }
    COFFER_TRY(rows->status());
    return found;
  };
}

void InodeStore::Impl::stage_extents(MetaBatch& batch, Inode& inode) {
  FileContent& content = inode.content;
  InodeRecord& record = inode.record;
  content.staged_changes = content.extents.take_changes();
  bool rows = record.has(InodeRecord::kExtentRows);
  record.extents.clear();
  if (!rows) {
    if (content.extents.count() <= kRowExtentsMax) {
      record.extents =
          content.extents.count() == 0 ? std::string() : encode_extents(content.extents.all());
    }
    if (content.extents.count() > kRowExtentsMax || record.extents.size() > kRowExtentBytesMax) {
      rows = true;
      record.flags |= InodeRecord::kExtentRows;
      record.extents.clear();
      for (const Extent& extent : content.extents.all())
        content.staged_changes.insert(extent.offset);
    }
  }
  if (rows) {
    for (const std::uint64_t offset : content.staged_changes) {
      const Extent* extent = content.extents.find(offset);
      const std::string key = keys::extent(inode.id, offset);
      if (extent == nullptr) {
        batch.remove(key);
        continue;
      }
      std::string value;
      ByteWriter out(value);
      encode_extent(out, *extent);
      batch.put(key, value);
    }
  }
  content.staged_shared = content.extents.take_shared_changes();
  for (const auto& [key, present] : content.staged_shared) {
    const std::string row = keys::shared_reference(key.segment, key.run, inode.id, key.offset);
    if (present)
      batch.put(row, {});
    else
      batch.remove(row);
  }
  for (const Reference& reference : content.uncommitted) batch.needs(reference);
  deps.ledger->stage(batch, content.added, content.removed);
}

void InodeStore::account(Inode& inode) {
  FileContent& content = inode.content;
  content.extent_bytes += static_cast<std::uint64_t>(content.extents.take_length_change());
  if (inode.record.attributes.type == FileType::Regular) {
    inode.record.attributes.allocated = content.extent_bytes + content.pending.bytes();
  }
}

void InodeStore::stage(MetaBatch& batch, Inode& inode) {
  account(inode);
  impl_->stage_extents(batch, inode);
  if (inode.content.pending.empty()) {
    batch.put(keys::inode(inode.id), encode_inode(inode.record));
  } else {
    // A size that is committed without its bytes would read as zeros after a crash.
    InodeRecord row = inode.record;
    row.attributes.size = inode.content.settled_size;
    row.attributes.allocated = inode.content.extent_bytes;
    batch.put(keys::inode(inode.id), encode_inode(row));
  }
  inode.record.extents.clear();
  if (inode.record.attributes.nlink == 0)
    batch.put(keys::orphan(inode.id), {});
  else if (inode.orphan_row)
    batch.remove(keys::orphan(inode.id));
  if (inode.fresh) batch.add(keys::counter("inodes"), 1);
}

void InodeStore::committed(Inode& inode) {
  FileContent& content = inode.content;
  impl_->deps.ledger->released(content.removed, impl_->deps.meta->committed());
  content.added.clear();
  content.removed.clear();
  content.uncommitted.clear();
  content.staged_changes.clear();
  const ExtentMap::SharedChanges shared = std::exchange(content.staged_shared, {});
  inode.orphan_row = inode.record.attributes.nlink == 0;
  inode.taken_apart = false;
  inode.newborn = false;
  if (std::exchange(inode.fresh, false)) impl_->count.fetch_add(1, std::memory_order_relaxed);
  if (inode.dirty && content.pending.empty()) {
    inode.dirty = false;
    MutexLock lock(impl_->dirty_mutex);
    impl_->dirty.erase(inode.id);
  }
  impl_->deps.ledger->check_runs(shared);
}

void InodeStore::uncommitted(Inode& inode) {
  if (inode.taken_apart) {
    // Reading it from memory would show holes for bytes that the rows still have.
    inode.reclaimed = true;
    inode.dirty = false;
    {
      MutexLock lock(impl_->dirty_mutex);
      impl_->dirty.erase(inode.id);
    }
    impl_->forget(inode);
    return;
  }
  FileContent& content = inode.content;
  content.extents.put_back_changes(std::exchange(content.staged_changes, {}));
  content.extents.put_back_shared_changes(std::exchange(content.staged_shared, {}));
  mark_dirty(inode);
}

bool InodeStore::Impl::used(const Inode& inode) const {
  InodeUsers* const asked = users.load();
  return inode.readers > 0 || (asked != nullptr && asked->in_use(inode.id));
}

Result<bool> InodeStore::stage_unlinked(MetaBatch& batch, Inode& inode) {
  FileContent& content = inode.content;
  if (impl_->used(inode) || !content.extents.all_loaded() ||
      content.extents.count() > kExtentsAtOnce) {
    stage(batch, inode);
    return true;
  }
  COFFER_TRY(impl_->take_apart(batch, inode, extent_loader(inode.id)));
  content.pending.take();
  impl_->stage_removal(batch, inode);
  return false;
}

void InodeStore::stage_gone(MetaBatch& batch, Inode& inode) { impl_->stage_removal(batch, inode); }

/// The rows beside the extents' own.
void InodeStore::Impl::stage_removal(MetaBatch& batch, Inode& inode) {
  if (inode.fresh) return;
  batch.remove(keys::inode(inode.id));
  if (inode.orphan_row) batch.remove(keys::orphan(inode.id));
  if (inode.record.has(InodeRecord::kHasObject)) batch.remove(keys::object(inode.id));
  if (inode.record.has(InodeRecord::kHasParts)) batch.remove(keys::object_parts(inode.id));
  if (inode.record.has(InodeRecord::kHasSettings)) batch.remove(keys::bucket_settings(inode.id));
  if (inode.record.has(InodeRecord::kHasXattrs)) {
    const std::string xattrs = keys::xattr_prefix(inode.id);
    batch.remove_range(xattrs, keys::prefix_end(xattrs));
  }
  batch.add(keys::counter("inodes"), -1);
}

/// Adds the removal of up to kExtentsAtOnce extents, from the end of the file; true when none is
/// left.
Result<bool> InodeStore::Impl::take_apart(MetaBatch& batch, Inode& inode,
                                          const ExtentMap::Loader& loader) {
  FileContent& content = inode.content;
  COFFER_TRY(content.extents.load(0, UINT64_MAX, loader));
  inode.taken_apart = true;
  const std::vector<Extent> all = content.extents.all();
  const bool last = all.size() <= kExtentsAtOnce;
  const std::uint64_t from = all.empty() || last ? 0 : all[all.size() - kExtentsAtOnce].offset;
  count_removed(content, content.extents.remove(from, UINT64_MAX));
  // The row list is written out here rather than by stage_extents(): the inode keeps its row form
  // until it goes.
  content.staged_changes = content.extents.take_changes();
  if (inode.record.has(InodeRecord::kExtentRows)) {
    for (const std::uint64_t offset : content.staged_changes) {
      batch.remove(keys::extent(inode.id, offset));
    }
  }
  content.staged_shared = content.extents.take_shared_changes();
  for (const auto& [key, present] : content.staged_shared) {
    if (!present) batch.remove(keys::shared_reference(key.segment, key.run, inode.id, key.offset));
  }
  deps.ledger->stage(batch, content.added, content.removed);
  return last;
}

void InodeStore::removed(Inode& inode) {
  const bool was_fresh = inode.fresh;
  inode.fresh = false;
  inode.content.pending.take();
  const ExtentMap::SharedChanges shared = std::exchange(inode.content.staged_shared, {});
  impl_->deps.ledger->released(inode.content.removed, impl_->deps.meta->committed());
  inode.content = FileContent{};
  inode.reclaimed = true;
  inode.dirty = false;
  if (!was_fresh) impl_->count.fetch_sub(1, std::memory_order_relaxed);
  {
    MutexLock lock(impl_->dirty_mutex);
    impl_->dirty.erase(inode.id);
  }
  impl_->forget(inode);
  impl_->deps.ledger->check_runs(shared);
}

}  // namespace coffer
