#include "vault/tree/missing_directories.h"

#include "vault/tree/new_inode.h"

namespace coffer {
namespace {
// What a server with the usual umask would ask for: 0755, unless a default ACL says otherwise.
constexpr std::uint16_t kDirectoryPermissions = 0777;
constexpr std::uint16_t kUmask = 022;
}  // namespace

Result<std::vector<InodeRef>> new_directories(Namespace& names, const Inode& parent,
                                              std::size_t count) {
  Attributes owner;
  {
    SharedLock lock(parent.mutex);
    owner = parent.record.attributes;
  }
  std::vector<InodeRef> made;
  InodeId above = parent.id;
  for (; count > 0; --count) {
    InodeRecord record;
    record.attributes.type = FileType::Directory;
    record.attributes.permissions = kDirectoryPermissions;
    record.attributes.uid = owner.uid;
    record.attributes.gid = owner.gid;
    record.attributes.nlink = 2;
    record.parent = above;
    COFFER_ASSIGN(InodeRef directory, names.deps().inodes->make(std::move(record)));
    above = directory->id;
    made.push_back(std::move(directory));
  }
  return made;
}

Result<void> enter_directories(Namespace& names, TreeChange& change, const ObjectPlace& place,
                               const ObjectKey& key, const std::vector<InodeRef>& made,
                               NameSlots& first) {
  Inode* holder = place.parent().get();
  COFFER_ASSIGN(const auto acl, default_acl(*names.deps().meta, *holder));
  for (const InodeRef& directory : made)
    inherit(change.batch(), acl, *place.parent(), *directory, kUmask);
  for (std::size_t i = 0; i < made.size(); ++i) {
    const std::size_t component = place.reached() + i;
    const std::string& name =
        component < key.directories.size() ? key.directories[component] : key.name;
    NameSlots fresh;
    COFFER_ASSIGN(const std::uint64_t cookie, names.deps().inodes->next_cookie());
    COFFER_TRY(change.set_entry(*holder, name, i == 0 ? first : fresh, true,
                                Dentry{made[i]->id, FileType::Directory, cookie}));
    holder = made[i].get();
  }
  return {};
}

}  // namespace coffer
