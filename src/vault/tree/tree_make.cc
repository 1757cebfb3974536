// TreeService: new nodes and hard links.

#include "vault/tree/tree_service.h"

namespace coffer {
namespace {

constexpr std::size_t kSymlinkBytesMax = 4095;
constexpr std::uint32_t kLinksMax = std::uint32_t{1} << 31;
constexpr std::uint16_t kSetGroupId = 02000;

Result<InodeRecord> new_record(const NewNode& node) {
  InodeRecord record;
  Attributes& attributes = record.attributes;
  attributes.type = node.type;
  attributes.permissions = node.permissions & 07777;
  attributes.uid = node.uid;
  attributes.gid = node.gid;
  attributes.nlink = node.type == FileType::Directory ? 2 : 1;
  if (node.type == FileType::CharDevice || node.type == FileType::BlockDevice) {
    attributes.rdev = node.rdev;
  }
  if (node.type == FileType::Symlink) {
    if (node.symlink_target.empty()) return fail(Errc::NotFound);
    if (node.symlink_target.size() > kSymlinkBytesMax) return fail(Errc::NameTooLong);
    record.symlink_target = node.symlink_target;
    attributes.size = node.symlink_target.size();
  }
  return record;
}

// A directory with the set-group-id bit hands its group on, and the bit too to directories (inode(7)).
void inherit_group(InodeRecord& record, const Attributes& parent) {
  if ((parent.permissions & kSetGroupId) == 0) return;
  record.attributes.gid = parent.gid;
  if (record.attributes.type == FileType::Directory) record.attributes.permissions |= kSetGroupId;
}

}  // namespace

Result<Entry> TreeService::make_node(InodeId parent, std::string_view name, const NewNode& node) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  auto made = [&] {
    ExclusiveLock lock(directory->entries);
    return make_locked(*directory, name, node, after);
  }();
  if (made) finish(names_, after);
  return made;
}

Result<Entry> TreeService::make_locked(Inode& parent, std::string_view name, const NewNode& node,
                                       Aftermath& after) {
  const bool is_directory = node.type == FileType::Directory;
  COFFER_ASSIGN(FoundName found, names_.find(parent, name, Namespace::Held::Yes));
  if (const auto refused = Namespace::refuses(found, is_directory)) return fail(*refused);
  COFFER_ASSIGN(InodeRecord record, new_record(node));
  if (is_directory) {
    record.parent = parent.id;
    record.flags = InodeRecord::kMarker;
  }
  COFFER_ASSIGN(const std::uint64_t cookie, parts().inodes->next_cookie());
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->make(std::move(record)));

  TreeChange change(names_);
  auto made = [&]() -> Result<Entry> {
    COFFER_TRY(change.lock({parent.shared_from_this(), inode}));
    if (parent.record.attributes.nlink == 0) return fail(Errc::NotFound);
    inherit_group(inode->record, parent.record.attributes);
    const NameSlots before = found.slots;
    const Dentry entry{inode->id, node.type, cookie};
    COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, is_directory, entry));
    COFFER_TRY(change.commit(after));
    describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
    return Entry{inode->id, visible_attributes(inode->record)};
  }();
  if (!made) inode->reclaimed = true;  // nobody else ever saw it
  return made;
}

Result<Entry> TreeService::make_unlinked(const NewNode& node) {
  if (node.type == FileType::Directory) return fail(Errc::IsDirectory);
  COFFER_ASSIGN(InodeRecord record, new_record(node));
  record.attributes.nlink = 0;
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->make(std::move(record)));
  Aftermath after;
  TreeChange change(names_);
  COFFER_TRY(change.lock({inode}));
  COFFER_TRY(change.commit(after));
  MutexLock lock(loose_mutex_);
  loose_.insert(inode->id);
  loose_count_.store(loose_.size());
  return Entry{inode->id, visible_attributes(inode->record)};
}

Result<Entry> TreeService::link(InodeId inode, InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef target, live(inode));
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  auto linked = [&] {
    ExclusiveLock lock(directory->entries);
    return link_locked(target, *directory, name, after);
  }();
  if (!linked) return linked;
  if (loose_count_.load() > 0) {
    MutexLock lock(loose_mutex_);
    loose_.erase(inode);
    loose_count_.store(loose_.size());
  }
  finish(names_, after);
  return linked;
}

Result<Entry> TreeService::link_locked(const InodeRef& inode, Inode& parent, std::string_view name,
                                       Aftermath& after) {
  {
    SharedLock lock(inode->mutex);
    if (inode->record.attributes.type == FileType::Directory) return fail(Errc::Permission);
  }
  COFFER_ASSIGN(FoundName found, names_.find(parent, name, Namespace::Held::Yes));
  if (const auto refused = Namespace::refuses(found, false)) return fail(*refused);
  COFFER_ASSIGN(const std::uint64_t cookie, parts().inodes->next_cookie());

  TreeChange change(names_);
  COFFER_TRY(change.lock({parent.shared_from_this(), inode}));
  Attributes& attributes = inode->record.attributes;
  if (parent.record.attributes.nlink == 0) return fail(Errc::NotFound);
  if (inode->record.has(InodeRecord::kHidden)) return fail(Errc::NotFound);
  if (inode->record.protection().any()) return fail(Errc::Permission, "protected");
  if (attributes.nlink >= kLinksMax) return fail(Errc::TooManyLinks);
  ++attributes.nlink;
  attributes.ctime = change.now();
  const NameSlots before = found.slots;
  const Dentry entry{inode->id, attributes.type, cookie};
  COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, false, entry));
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
  return Entry{inode->id, visible_attributes(inode->record)};
}

}  // namespace coffer
