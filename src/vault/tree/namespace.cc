#include "vault/tree/namespace.h"

#include <array>

#include "vault/tree/keys.h"
#include "vault/tree/version_fork.h"

namespace coffer {
namespace {

constexpr std::uint64_t kDirectorySizeShown = 4096;

Result<std::optional<Dentry>> decode_optional(const std::optional<std::string>& row) {
  if (!row) return std::optional<Dentry>{};
  COFFER_ASSIGN(const Dentry dentry, decode_dentry(*row));
  return std::optional<Dentry>{dentry};
}

}  // namespace

Namespace::Namespace(const Deps& deps)
    : deps_(deps),
      names_(deps.name_cache_bytes),
      listings_(deps.listing_cache_bytes),
      versions_(*deps.meta, *deps.inodes) {
  deps_.bytes->set_open_for_change(
      [this](const InodeRef& inode) { return open_for_change(*this, inode); });
}

Result<NameSlots> Namespace::load_slots(InodeId parent, std::string_view stored) {
  const std::array<std::string, 2> rows = {keys::dentry(parent, stored, false),
                                           keys::dentry(parent, stored, true)};
  COFFER_ASSIGN(const auto values, deps_.meta->get_many(rows));
  NameSlots slots;
  COFFER_ASSIGN(slots.file, decode_optional(values[0]));
  COFFER_ASSIGN(slots.directory, decode_optional(values[1]));
  const bool in_place = (!slots.file || slots.file->type != FileType::Directory) &&
                        (!slots.directory || slots.directory->type == FileType::Directory);
  if (!in_place) return fail(Errc::Corrupt, "directory entry of the wrong kind");
  return slots;
}

Result<NameSlots> Namespace::slots(Inode& parent, std::string_view stored, Held held) {
  if (auto known = names_.find(parent.id, stored)) return *known;
  const auto load = [&]() -> Result<NameSlots> {
    COFFER_ASSIGN(NameSlots slots, load_slots(parent.id, stored));
    names_.put(parent.id, stored, slots);
    return slots;
  };
  if (held == Held::Yes) return load();
  // Under the lock, so that what is remembered here cannot be older than a change that erased the
  // name.
  SharedLock lock(parent.entries);
  return load();
}

std::optional<NameSlots> Namespace::known(InodeId parent, std::string_view mount_name) {
  // Of what no mount name can be, the cache knows S3's keys; find() refuses it.
  if (!is_mount_name(mount_name) || may_be_escaped(mount_name)) return std::nullopt;
  return names_.find(parent, mount_name);
}

Result<FoundName> Namespace::find(Inode& parent, std::string_view mount_name, Held held) {
  if (mount_name.size() > kMountNameBytesMax) return fail(Errc::NameTooLong);
  if (!is_mount_name(mount_name)) return fail(Errc::InvalidArgument, "not a name");
  FoundName found;
  found.asked = parse_mount_name(mount_name);
  if (found.asked.kind == MountName::Kind::Hashed) {
    COFFER_ASSIGN(const auto row, deps_.meta->get(keys::long_name(parent.id, found.asked.stored)));
    if (!row) return found;
    const bool directory = row->ends_with('/');
    std::string stored = directory ? row->substr(0, row->size() - 1) : *row;
    COFFER_ASSIGN(found.slots, slots(parent, stored, held));
    if (visible_name(stored, directory, found.slots.directory.has_value()) != mount_name)
      return found;
    found.entry = directory ? found.slots.directory : found.slots.file;
    if (found.entry) found.asked.stored = std::move(stored);
    return found;
  }
  COFFER_ASSIGN(found.slots, slots(parent, found.asked.stored, held));
  switch (found.asked.kind) {
    case MountName::Kind::Plain:
      found.entry = found.slots.directory ? found.slots.directory : found.slots.file;
      break;
    case MountName::Kind::FileBesideDirectory:
      if (found.slots.directory) found.entry = found.slots.file;
      break;
    case MountName::Kind::DirectoryOnly:
      found.entry = found.slots.directory;
      break;
    case MountName::Kind::Hashed:
      break;
  }
  return found;
}

std::optional<Errc> Namespace::refuses(const FoundName& found, bool directory) {
  if (found.entry) return Errc::Exists;
  switch (found.asked.kind) {
    case MountName::Kind::Plain:
      return std::nullopt;
    case MountName::Kind::FileBesideDirectory:
      return directory || !found.slots.directory ? std::optional(Errc::InvalidArgument)
                                                 : std::nullopt;
    case MountName::Kind::DirectoryOnly:
      return directory ? std::nullopt : std::optional(Errc::InvalidArgument);
    case MountName::Kind::Hashed:
      return Errc::InvalidArgument;  // a hash cannot be turned back into a name
  }
  __builtin_unreachable();
}

Result<InodeRef> Namespace::directory(InodeId id) {
  COFFER_ASSIGN(InodeRef inode, deps_.inodes->get(id));
  SharedLock lock(inode->mutex);
  if (inode->reclaimed) return fail(Errc::NotFound);
  if (inode->record.attributes.type != FileType::Directory) return fail(Errc::NotDirectory);
  if (inode->record.attributes.nlink == 0) return fail(Errc::NotFound);
  return inode;
}

Result<unsigned> Namespace::depth(InodeId directory) {
  unsigned depth = 0;
  while (directory != kRootInode) {
    COFFER_ASSIGN(const InodeRef inode, deps_.inodes->get(directory));
    SharedLock lock(inode->mutex);
    directory = inode->record.parent;
    ++depth;
    if (directory == InodeId{}) return fail(Errc::Corrupt, "a directory without parent");
  }
  return depth;
}

Result<bool> Namespace::is_within(InodeId directory, InodeId ancestor) {
  while (directory != ancestor) {
    if (directory == kRootInode) return false;
    COFFER_ASSIGN(const InodeRef inode, deps_.inodes->get(directory));
    SharedLock lock(inode->mutex);
    directory = inode->record.parent;
    if (directory == InodeId{}) return fail(Errc::Corrupt, "a directory without parent");
  }
  return true;
}

void Namespace::forget_name(InodeId parent, const std::string& stored) {
  names_.erase(parent, stored);
  listings_.erase(parent);
}

void Namespace::remember_name(InodeId parent, const std::string& stored, const NameSlots& slots) {
  names_.put(parent, stored, slots);
}

void Namespace::stage_root(MetaBatch& batch, std::uint32_t uid, std::uint32_t gid) {
  InodeRecord root;
  Attributes& attributes = root.attributes;
  attributes.inode = kRootInode;
  attributes.type = FileType::Directory;
  attributes.permissions = 0755;
  attributes.uid = uid;
  attributes.gid = gid;
  attributes.nlink = 2;
  attributes.atime = attributes.mtime = attributes.ctime = attributes.btime = wall_now();
  root.parent = kRootInode;
  batch.put(keys::inode(kRootInode), encode_inode(root));
}

Attributes visible_attributes(const InodeRecord& record) {
  Attributes attributes = record.attributes;
  attributes.protection = record.protection();
  if (attributes.type == FileType::Directory) {
    attributes.size = kDirectorySizeShown;
    attributes.allocated = kDirectorySizeShown;
  } else if (attributes.type == FileType::Symlink) {
    attributes.size = record.symlink_target.size();
  }
  return attributes;
}

}  // namespace coffer
