// TreeService: unlink and rmdir.

#include "vault/tree/directory_body.h"
#include "vault/tree/tree_service.h"

namespace coffer {

Result<void> TreeService::unlink(InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  {
    ExclusiveLock lock(directory->entries);
    COFFER_TRY(unlink_locked(*directory, name, after));
  }
  finish(names_, after);
  return {};
}

Result<void> TreeService::unlink_locked(Inode& parent, std::string_view name, Aftermath& after) {
  COFFER_ASSIGN(FoundName found, names_.find(parent, name, Namespace::Held::Yes));
  if (!found.entry) return fail(Errc::NotFound);
  if (found.is_directory()) return fail(Errc::IsDirectory);
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->get(found.entry->inode));

  TreeChange change(names_);
  COFFER_TRY(change.lock({parent.shared_from_this(), inode}));
  const NameSlots before = found.slots;
  COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, false, std::nullopt));
  COFFER_TRY(change.drop_link(*inode));
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
  return {};
}

Result<void> TreeService::remove_directory(InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  {
    ExclusiveLock lock(directory->entries);
    COFFER_TRY(remove_directory_locked(*directory, name, after));
  }
  finish(names_, after);
  return {};
}

Result<void> TreeService::remove_directory_locked(Inode& parent, std::string_view name,
                                                  Aftermath& after) {
  COFFER_ASSIGN(FoundName found, names_.find(parent, name, Namespace::Held::Yes));
  if (!found.entry) return fail(Errc::NotFound);
  if (!found.is_directory()) return fail(Errc::NotDirectory);
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->get(found.entry->inode));
  // Parent before child is the order of depth; it is a child as long as the parent is locked.
  ExclusiveLock inner(inode->entries);
  COFFER_ASSIGN(const InodeRef body, body_of(names_, inode));

  TreeChange change(names_);
  COFFER_TRY(change.lock({parent.shared_from_this(), inode, body}));
  if (inode->record.attributes.size > 0) return fail(Errc::NotEmpty);
  const NameSlots before = found.slots;
  COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, true, std::nullopt));
  COFFER_TRY(change.drop_link(*inode));
  if (body) COFFER_TRY(change.drop_link(*body));
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
  if (parent.id == kRootInode) after.buckets_gone.push_back(inode->id);
  return {};
}

}  // namespace coffer
