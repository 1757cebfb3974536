// TreeService: unlink and rmdir.

#include "vault/tree/directory_body.h"
#include "vault/tree/tree_service.h"
#include "vault/tree/version_lock.h"

namespace coffer {

Result<void> TreeService::unlink(InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  {
    PathLock gate(names_.gate());
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

  COFFER_ASSIGN(const std::unique_ptr<VersionEdit> edit,
                version_edit(parent.id, found.asked.stored, found.entry->type));
  std::vector<InodeRef> concerned{parent.shared_from_this(), inode};
  if (edit) {
    COFFER_TRY(check_unlocked(names_, *inode));
    COFFER_TRY(edit->prepare(inode, nullptr));
    for (InodeRef& more : edit->concerned()) concerned.push_back(std::move(more));
  }
  TreeChange change(names_);
  COFFER_TRY(change.lock(std::move(concerned)));
  const NameSlots before = found.slots;
  COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, false, std::nullopt));
  if (edit && edit->keeps())
    COFFER_TRY(edit->keep_file(change, *inode));
  else
    COFFER_TRY(change.drop_link(*inode));
  if (edit) {
    COFFER_TRY(edit->drop_null(change));
    edit->put_marker(change, {});
  }
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
  return {};
}

Result<void> TreeService::remove_directory(InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  {
    PathLock gate(names_.gate());
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

  if (parent.id == kRootInode && names_.versions().state(inode->id) != Versioning::Off) {
    COFFER_ASSIGN(const bool kept, has_versions(*parts().meta, inode->id));
    if (kept) return fail(Errc::NotEmpty, "a bucket with versions");
  }
  {
    SharedLock lock(inode->mutex);
    if (inode->record.attributes.size > 0) return fail(Errc::NotEmpty);
  }
  // What mkdir made leaves nothing; what was put as an object does.
  COFFER_ASSIGN(std::unique_ptr<VersionEdit> edit,
                version_edit(parent.id, found.asked.stored, FileType::Directory));
  std::optional<FoundObject> object;
  if (edit) {
    SharedLock lock(inode->mutex);
    if (!inode->record.has(InodeRecord::kHasObject)) edit.reset();
  }
  if (edit) {
    auto shown = read_object(names_, "/", true, found.slots);
    if (!shown && shown.error().code != Errc::NotFound) return fail(std::move(shown).error());
    if (shown) object = *std::move(shown);
    if (!object) edit.reset();
  }
  if (object && is_locked_now(object->info.metadata, Governance::Holds))
    return fail(Errc::Permission, "the object is locked");
  if (edit) COFFER_TRY(edit->prepare(inode, body));
  auto removed = take_directory(parent, found, {inode, body, edit.get(), object}, after);
  if (!removed) {
    if (edit) edit->abandon();
    return removed;
  }
  if (parent.id == kRootInode) after.buckets_gone.push_back(inode->id);
  return {};
}

Result<void> TreeService::take_directory(Inode& parent, FoundName& found,
                                         const DoomedDirectory& doomed, Aftermath& after) {
  VersionEdit* const edit = doomed.edit;
  std::vector<InodeRef> concerned{parent.shared_from_this(), doomed.inode, doomed.body};
  if (edit != nullptr) {
    for (InodeRef& more : edit->concerned()) concerned.push_back(std::move(more));
  }
  TreeChange change(names_);
  COFFER_TRY(change.lock(std::move(concerned)));
  const NameSlots before = found.slots;
  const bool keeps = edit != nullptr && edit->keeps();
  if (keeps) COFFER_TRY(edit->keep_directory(change, *doomed.inode, doomed.object->info));
  COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, true, std::nullopt));
  COFFER_TRY(change.drop_link(*doomed.inode));
  if (doomed.body && !keeps) COFFER_TRY(change.drop_link(*doomed.body));
  if (edit != nullptr) {
    COFFER_TRY(edit->drop_null(change));
    edit->put_marker(change, {});
  }
  COFFER_TRY(change.commit(after));
  const std::string name = visible_name(found.asked.stored, true, false);
  describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
  return {};
}

}  // namespace coffer
