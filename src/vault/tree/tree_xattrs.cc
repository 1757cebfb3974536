// TreeService: extended attributes. What S3 keeps with an object shows read-only as user.s3.*

#include "vault/tree/keys.h"
#include "vault/tree/object_record.h"
#include "vault/tree/posix_acl.h"
#include "vault/tree/tree_service.h"

namespace coffer {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kValueBytesMax = 64 * 1024;
constexpr std::size_t kListBytesMax = 64 * 1024;  // names with their ends, listxattr(2)
constexpr std::string_view kObjectPrefix = "user.s3.";
constexpr std::string_view kContentType = "user.s3.content-type";

Result<void> check_name(std::string_view name) {
  if (name.empty()) return fail(Errc::InvalidArgument, "empty attribute name");
  if (name.size() > kNameBytesMax) return fail(Errc::OutOfRange, "attribute name");
  if (name.find('\0') != std::string_view::npos) return fail(Errc::InvalidArgument);
  return {};
}

/// The attributes that the object row stands for.
Result<std::map<std::string, std::string>> object_xattrs(const Namespace::Deps& parts,
                                                         const Inode& inode) {
  std::map<std::string, std::string> xattrs;
  if (!inode.record.has(InodeRecord::kHasObject)) return xattrs;
  COFFER_ASSIGN(const auto row, parts.meta->get(keys::object(inode.id)));
  if (!row) return xattrs;
  COFFER_ASSIGN(const ObjectRecord object, decode_object(*row));
  if (!object.metadata.content_type.empty()) {
    xattrs.emplace(kContentType, object.metadata.content_type);
  }
  for (const auto& [name, value] : object.metadata.user) {
    std::string shown = std::string(kObjectPrefix).append(name);
    if (shown.size() > kNameBytesMax || shown.find('\0') != std::string::npos) continue;
    xattrs[std::move(shown)] = value;
  }
  return xattrs;
}

/// Names that are rows, with the bytes that listxattr(2) needs for all of them.
Result<std::vector<std::string>> stored_names(const Namespace::Deps& parts, const Inode& inode) {
  std::vector<std::string> names;
  if (!inode.record.has(InodeRecord::kHasXattrs)) return names;
  const std::string prefix = keys::xattr_prefix(inode.id);
  auto rows = parts.meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    names.emplace_back(rows->key().substr(prefix.size()));
  }
  COFFER_TRY(rows->status());
  return names;
}

constexpr std::uint16_t kSetGroupIdBit = 02000;
constexpr std::uint16_t kSpecialBits = 07000;

std::size_t list_bytes(const std::vector<std::string>& names) {
  std::size_t bytes = 0;
  for (const std::string& name : names) bytes += name.size() + 1;
  return bytes;
}

}  // namespace

Result<std::string> TreeService::get_xattr(InodeId inode, std::string_view name) {
  COFFER_TRY(check_name(name));
  COFFER_ASSIGN(const InodeRef target, live(inode));
  SharedLock lock(target->mutex);
  if (target->reclaimed) return fail(Errc::Stale);
  if (name.starts_with(kObjectPrefix)) {
    COFFER_ASSIGN(auto xattrs, object_xattrs(parts(), *target));
    const auto found = xattrs.find(std::string(name));
    if (found == xattrs.end()) return fail(Errc::NoAttribute);
    return std::move(found->second);
  }
  if (!target->record.has(InodeRecord::kHasXattrs)) return fail(Errc::NoAttribute);
  COFFER_ASSIGN(auto value, parts().meta->get(keys::xattr(inode, name)));
  if (!value) return fail(Errc::NoAttribute);
  if (name != kAccessAcl) return std::move(*value);
  auto acl = PosixAcl::parse(*value);
  if (!acl) return fail(Errc::Corrupt, "an access ACL");
  acl->set_mode(target->record.attributes.permissions);
  return acl->encode();
}

/// Adds the row, and what lists it. @pre the inode is locked
Result<void> TreeService::put_xattr(TreeChange& change, Inode& target, std::string_view name,
                                    std::string_view value, XattrMode mode) {
  const std::string row = keys::xattr(target.id, name);
  bool present = false;
  if (target.record.has(InodeRecord::kHasXattrs)) {
    COFFER_ASSIGN(const auto old, parts().meta->get(row));
    present = old.has_value();
  }
  if (present && mode == XattrMode::Create) return fail(Errc::Exists);
  if (!present && mode == XattrMode::Replace) return fail(Errc::NoAttribute);
  if (!present) {
    COFFER_ASSIGN(const std::vector<std::string> names, stored_names(parts(), target));
    if (list_bytes(names) + name.size() + 1 > kListBytesMax) {
      return fail(Errc::NoSpace, "the list of attributes is full");
    }
  }
  change.batch().put(row, value);
  target.record.flags |= InodeRecord::kHasXattrs;
  target.record.attributes.ctime = change.now();
  return {};
}

Result<void> TreeService::set_acl(InodeId inode, AclKind kind, Bytes value,
                                  SetGroupId set_group_id) {
  if (value.size() > kValueBytesMax) return fail(Errc::TooLarge, "attribute value");
  COFFER_ASSIGN(const PosixAcl acl, PosixAcl::parse(as_text(value)));
  COFFER_ASSIGN(const InodeRef target, live(inode));
  Aftermath after;
  TreeChange change(names_);
  COFFER_TRY(change.lock({target}));
  Attributes& attributes = target->record.attributes;
  if (target->record.protection().any()) return fail(Errc::Permission, "protected");
  if (attributes.type == FileType::Symlink) return fail(Errc::NotSupported);
  if (kind == AclKind::Default) {
    if (attributes.type != FileType::Directory) return fail(Errc::AccessDenied);
    COFFER_TRY(put_xattr(change, *target, kDefaultAcl, acl.encode(), XattrMode::Any));
    return change.commit(after);
  }
  attributes.permissions =
      static_cast<std::uint16_t>((attributes.permissions & kSpecialBits) | acl.mode());
  if (set_group_id == SetGroupId::Drop) {
    attributes.permissions &= static_cast<std::uint16_t>(~kSetGroupIdBit);
  }
  if (acl.is_extended()) {
    COFFER_TRY(put_xattr(change, *target, kAccessAcl, acl.encode(), XattrMode::Any));
  } else {
    // The permissions say all of it.
    if (target->record.has(InodeRecord::kHasXattrs)) {
      change.batch().remove(keys::xattr(inode, kAccessAcl));
    }
    attributes.ctime = change.now();
  }
  return change.commit(after);
}

Result<void> TreeService::set_xattr(InodeId inode, std::string_view name, Bytes value,
                                    XattrMode mode) {
  COFFER_TRY(check_name(name));
  if (value.size() > kValueBytesMax) return fail(Errc::TooLarge, "attribute value");
  if (name.starts_with(kObjectPrefix))
    return fail(Errc::NotSupported, "object metadata is S3's to set");
  if (name == kAccessAcl || name == kDefaultAcl)
    return fail(Errc::NotSupported, "set_acl() sets ACLs");
  COFFER_ASSIGN(const InodeRef target, live(inode));
  Aftermath after;
  TreeChange change(names_);
  COFFER_TRY(change.lock({target}));
  if (target->record.protection().any()) return fail(Errc::Permission, "protected");
  COFFER_TRY(put_xattr(change, *target, name, as_text(value), mode));
  return change.commit(after);
}

Result<void> TreeService::remove_xattr(InodeId inode, std::string_view name) {
  COFFER_TRY(check_name(name));
  if (name.starts_with(kObjectPrefix))
    return fail(Errc::NotSupported, "object metadata is S3's to set");
  COFFER_ASSIGN(const InodeRef target, live(inode));
  Aftermath after;
  TreeChange change(names_);
  COFFER_TRY(change.lock({target}));
  if (!target->record.has(InodeRecord::kHasXattrs)) return fail(Errc::NoAttribute);
  const std::string row = keys::xattr(inode, name);
  COFFER_ASSIGN(const auto old, parts().meta->get(row));
  if (!old) return fail(Errc::NoAttribute);
  // A write drops the capabilities, whatever protects the file from its callers.
  if (target->record.protection().any() && name != kCapabilityXattr)
    return fail(Errc::Permission, "protected");
  change.batch().remove(row);
  target->record.attributes.ctime = change.now();
  return change.commit(after);
}

Result<std::vector<std::string>> TreeService::list_xattrs(InodeId inode) {
  COFFER_ASSIGN(const InodeRef target, live(inode));
  SharedLock lock(target->mutex);
  if (target->reclaimed) return fail(Errc::Stale);
  COFFER_ASSIGN(std::vector<std::string> names, stored_names(parts(), *target));
  COFFER_ASSIGN(const auto shown, object_xattrs(parts(), *target));
  std::size_t bytes = list_bytes(names);
  for (const auto& [name, value] : shown) {
    bytes += name.size() + 1;
    if (bytes > kListBytesMax) break;
    names.push_back(name);
  }
  return names;
}

}  // namespace coffer
