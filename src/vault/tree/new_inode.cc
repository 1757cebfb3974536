#include "vault/tree/new_inode.h"

#include "vault/tree/keys.h"

namespace coffer {
namespace {

constexpr std::size_t kSymlinkBytesMax = 4095;
constexpr std::uint16_t kSetGroupId = 02000;
constexpr std::uint16_t kSpecialBits = 07000;

void put_acl(MetaBatch& batch, Inode& inode, std::string_view name, const PosixAcl& acl) {
  batch.put(keys::xattr(inode.id, name), acl.encode());
  inode.record.flags |= InodeRecord::kHasXattrs;
}

}  // namespace

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

Result<std::optional<PosixAcl>> default_acl(MetaStore& meta, const Inode& directory) {
  if (!directory.record.has(InodeRecord::kHasXattrs)) return std::optional<PosixAcl>{};
  COFFER_ASSIGN(const auto row, meta.get(keys::xattr(directory.id, kDefaultAcl)));
  if (!row) return std::optional<PosixAcl>{};
  auto acl = PosixAcl::parse(*row);
  if (!acl) return fail(Errc::Corrupt, "a directory's default ACL");
  return std::optional<PosixAcl>(*std::move(acl));
}

void inherit(MetaBatch& batch, const std::optional<PosixAcl>& acl, const Inode& directory,
             Inode& made, std::uint16_t umask) {
  Attributes& attributes = made.record.attributes;
  const bool is_directory = attributes.type == FileType::Directory;
  if ((directory.record.attributes.permissions & kSetGroupId) != 0) {
    attributes.gid = directory.record.attributes.gid;
    if (is_directory) attributes.permissions |= kSetGroupId;
  }
  if (attributes.type == FileType::Symlink) return;
  if (!acl) {
    attributes.permissions = static_cast<std::uint16_t>(attributes.permissions & ~umask);
    return;
  }
  attributes.permissions &= static_cast<std::uint16_t>(kSpecialBits | acl->mode());
  if (acl->is_extended()) put_acl(batch, made, kAccessAcl, *acl);
  if (is_directory) put_acl(batch, made, kDefaultAcl, *acl);
}

}  // namespace coffer
