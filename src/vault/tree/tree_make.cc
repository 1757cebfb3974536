// TreeService: new nodes and hard links.

#include "vault/tree/new_inode.h"
#include "vault/tree/tree_service.h"

namespace coffer {
namespace {

constexpr std::uint32_t kLinksMax = std::uint32_t{1} << 31;

}  // namespace

Result<Entry> TreeService::make_node(InodeId parent, std::string_view name, const NewNode& node) {
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  auto made = [&] {
    PathLock gate(names_.gate());
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
  // A directory is no object before S3 asks for it by name.
  std::unique_ptr<VersionEdit> edit;
  if (!is_directory) {
    COFFER_ASSIGN(edit, version_edit(parent.id, found.asked.stored, node.type));
  }
  std::vector<InodeRef> concerned;
  if (edit) {
    COFFER_TRY(edit->prepare(nullptr, nullptr));
    concerned = edit->concerned();
  }
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->make(std::move(record)));
  concerned.push_back(parent.shared_from_this());
  concerned.push_back(inode);

  TreeChange change(names_);
  auto made = [&]() -> Result<Entry> {
    COFFER_TRY(change.lock(std::move(concerned)));
    if (parent.record.attributes.nlink == 0) return fail(Errc::NotFound);
    COFFER_ASSIGN(const auto acl, default_acl(*parts().meta, parent));
    inherit(change.batch(), acl, parent, *inode, node.umask);
    const NameSlots before = found.slots;
    const Dentry entry{inode->id, node.type, cookie};
    COFFER_TRY(change.set_entry(parent, found.asked.stored, found.slots, is_directory, entry));
    if (edit) {
      edit->tag_file(*inode, VersionEdit::Bytes::BeingWritten);
      COFFER_TRY(edit->drop_null(change));
    }
    COFFER_TRY(change.commit(after));
    inode->newborn = node.birth == NewNode::Birth::Opened;
    describe(after.changes, Door::Mount, parent.id, found.asked.stored, before, found.slots, name);
    return Entry{inode->id, visible_attributes(inode->record)};
  }();
  if (!made) inode->reclaimed = true;  // nobody else ever saw it
  return made;
}

Result<Entry> TreeService::make_unlinked(InodeId directory, const NewNode& node) {
  if (node.type == FileType::Directory) return fail(Errc::IsDirectory);
  COFFER_ASSIGN(const InodeRef parent, names_.directory(directory));
  COFFER_ASSIGN(InodeRecord record, new_record(node));
  record.attributes.nlink = 0;
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->make(std::move(record)));
  Aftermath after;
  TreeChange change(names_);
  const Result<void> made = [&]() -> Result<void> {
    {
      SharedLock lock(parent->mutex);
      if (parent->record.protection().immutable) return fail(Errc::Permission, "protected");
      COFFER_ASSIGN(const auto acl, default_acl(*parts().meta, *parent));
      inherit(change.batch(), acl, *parent, *inode, node.umask);
    }
    COFFER_TRY(change.lock({inode}));
    return change.commit(after);
  }();
  if (!made) {
    inode->reclaimed = true;  // nobody else ever saw it
    return fail(made.error());
  }
  MutexLock lock(loose_mutex_);
  loose_.insert(inode->id);
  loose_count_.store(loose_.size());
  return Entry{inode->id, visible_attributes(inode->record)};
}

Result<Entry> TreeService::link(InodeId inode, InodeId parent, std::string_view name) {
  COFFER_ASSIGN(const InodeRef target, live(inode));
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  Aftermath after;
  auto linked = [&]() -> Result<Entry> {
    PathLock gate(names_.gate());
    COFFER_ASSIGN(const bool versioned, is_versioned(parent));
    // A version has one key.
    if (versioned) return fail(Errc::Permission, "a versioned bucket");
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
  if (inode->record.version) return fail(Errc::Permission, "a version of an object");
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
