// TreeService: lookup, directory listing, and the ways to an inode.

#include "vault/tree/keys.h"
#include "vault/tree/tree_service.h"
#include "vault/tree/version_lock.h"

namespace coffer {

Result<InodeRef> TreeService::live(InodeId id) {
  auto inode = parts().inodes->get(id);
  if (!inode) {
    if (inode.error().code == Errc::NotFound) return fail(Errc::Stale);
    return fail(std::move(inode).error());
  }
  SharedLock lock((*inode)->mutex);
  if ((*inode)->reclaimed) return fail(Errc::Stale);
  return *inode;
}

Result<InodeRef> TreeService::regular(InodeId id) {
  COFFER_ASSIGN(InodeRef inode, live(id));
  SharedLock lock(inode->mutex);
  if (inode->record.attributes.type == FileType::Directory) return fail(Errc::IsDirectory);
  if (inode->record.attributes.type != FileType::Regular) return fail(Errc::InvalidArgument);
  return inode;
}

Result<Entry> TreeService::entry_of(InodeId id) {
  Result<Entry> answer{Entry{id, {}}};
  if (parts().inodes->known_attributes(id, answer->attributes) && answer->attributes.nlink > 0)
    return answer;
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->get(id));
  SharedLock lock(inode->mutex);
  if (inode->reclaimed || inode->record.attributes.nlink == 0) return fail(Errc::NotFound);
  COFFER_ASSIGN(const Attributes attributes, shown_attributes(names_, *inode));
  return Entry{id, attributes};
}

Result<Entry> TreeService::lookup(InodeId parent, std::string_view name) {
  // Should it fail, the file is looked up all the same: then what is wrong is the store, which takes no writes either.
  if (names_.versions().any()) static_cast<void>(adopt_name(parent, name));
  if (const auto known = names_.known(parent, name)) {
    const auto& stands = known->directory ? known->directory : known->file;
    if (!stands) return fail(Errc::NotFound);
    auto entry = entry_of(stands->inode);
    if (entry || entry.error().code != Errc::NotFound) return entry;
  }
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  COFFER_ASSIGN(const FoundName found, names_.find(*directory, name, Namespace::Held::No));
  if (!found.entry) return fail(Errc::NotFound);
  auto entry = entry_of(found.entry->inode);
  if (entry || entry.error().code != Errc::NotFound) return entry;
  // It lost that name between the two looks. Under the lock names and inodes agree.
  SharedLock lock(directory->entries);
  COFFER_ASSIGN(const FoundName again, names_.find(*directory, name, Namespace::Held::Yes));
  if (!again.entry) return fail(Errc::NotFound);
  auto inode = entry_of(again.entry->inode);
  if (!inode && inode.error().code == Errc::NotFound) {
    return fail(Errc::Corrupt, "a directory entry names no inode");
  }
  return inode;
}

Result<void> TreeService::read_directory(InodeId directory, std::uint64_t cookie,
                                         const std::function<bool(const DirectoryEntry&)>& sink) {
  if (!names_.versions().any()) return read_entries(directory, cookie, sink);
  // The kernel may know files by their listing alone.
  std::vector<std::string> files;
  COFFER_TRY(read_entries(directory, cookie, [&](const DirectoryEntry& entry) {
    if (entry.type == FileType::Regular) files.emplace_back(entry.name);
    return sink(entry);
  }));
  static_cast<void>(adopt_listed(directory, files));
  return {};
}

Result<void> TreeService::read_entries(InodeId directory, std::uint64_t cookie,
                                       const std::function<bool(const DirectoryEntry&)>& sink) {
  if (cookie == UINT64_MAX) return {};
  COFFER_ASSIGN(const InodeRef inode, live(directory));
  bool twins = false;
  {
    SharedLock lock(inode->mutex);
    if (inode->record.attributes.type != FileType::Directory) return fail(Errc::NotDirectory);
    if (inode->record.attributes.nlink == 0) return {};
    twins = inode->record.has(InodeRecord::kTwins);
  }
  COFFER_ASSIGN(const auto known, names_.listing(*inode));
  if (known) {
    for (auto item = known->begin_behind(cookie); item != known->end(); ++item)
      if (!sink({known->name_of(*item), item->inode, item->type, item->cookie})) break;
    return {};
  }
  const std::string start = keys::directory_index(directory, cookie + 1);
  auto rows =
      parts().meta->cursor(start, keys::prefix_end(keys::directory_index_prefix(directory)));
  for (rows->seek(start); rows->valid(); rows->next()) {
    COFFER_ASSIGN(const IndexedEntry entry, decode_indexed_entry(rows->value()));
    const bool is_directory = entry.type == FileType::Directory;
    bool beside = false;
    if (twins && !is_directory) {
      COFFER_ASSIGN(const NameSlots slots,
                    names_.slots(*inode, entry.stored_name, Namespace::Held::No));
      beside = slots.directory.has_value();
    }
    const std::string name = visible_name(entry.stored_name, is_directory, beside);
    if (!sink({name, entry.inode, entry.type, keys::second_number_of(rows->key())})) return {};
  }
  return rows->status();
}

Result<InodeId> TreeService::parent_of(InodeId directory) {
  COFFER_ASSIGN(const InodeRef inode, live(directory));
  SharedLock lock(inode->mutex);
  if (inode->record.attributes.type != FileType::Directory) return fail(Errc::NotDirectory);
  return inode->record.parent;
}

Result<std::string> TreeService::read_link(InodeId inode) {
  COFFER_ASSIGN(const InodeRef link, live(inode));
  SharedLock lock(link->mutex);
  if (link->record.attributes.type != FileType::Symlink) return fail(Errc::InvalidArgument);
  return link->record.symlink_target;
}

}  // namespace coffer
