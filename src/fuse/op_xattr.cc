/// setxattr, getxattr, listxattr, removexattr.

#include <sys/xattr.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "fuse/operations.h"
#include "fuse/reply.h"
#include "fuse/request_extras.h"

namespace coffer::fuse {

namespace {

constexpr std::string_view kAccessAcl = "system.posix_acl_access";
constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

bool is_acl(std::string_view name) { return name == kAccessAcl || name == kDefaultAcl; }

/// A label that nobody set. Where SELinux runs, the kernel itself answers for labels. Elsewhere `ls -l` asks for each file's,
/// and stops only when the file system has none (not supported): it would cost a request for every file, every time.
bool is_absent_label(std::string_view name, const Result<std::string>& value) {
  return name == "security.selinux" && !value && value.error().code == Errc::NoAttribute;
}

/// The kernel has checked who may (xattr(7)); here only what is kept at all.
bool is_kept(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("trusted.") ||
         name.starts_with("security.") || is_acl(name);
}

void setxattr(fuse_req_t req, fuse_ino_t inode, const char* name, const char* value,
              std::size_t size, int flags) {
  Context& context = context_of(req);
  if (!is_kept(name)) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  const Bytes bytes = as_bytes(std::string_view(value, size));
  if (const std::string_view wanted(name); is_acl(wanted)) {
    const bool drop = current_request_extras().kill_sgid_with_acl;
    return reply_result(
        req, context.tree.set_acl(InodeId(inode),
                                  wanted == kAccessAcl ? AclKind::Access : AclKind::Default, bytes,
                                  drop ? SetGroupId::Drop : SetGroupId::Keep));
  }
  const XattrMode mode = (flags & XATTR_CREATE) != 0    ? XattrMode::Create
                         : (flags & XATTR_REPLACE) != 0 ? XattrMode::Replace
                                                        : XattrMode::Any;
  const Result<void> set = context.tree.set_xattr(InodeId(inode), name, bytes, mode);
  if (set && std::string_view(name) == kCapabilityXattr)
    context.inodes.note_capability_set(InodeId(inode));
  reply_result(req, set);
}

/// size 0 asks how large the answer is.
void reply_text(fuse_req_t req, std::string_view text, std::size_t size) {
  if (size == 0)
    ::fuse_reply_xattr(req, text.size());
  else if (text.size() > size)
    ::fuse_reply_err(req, ERANGE);
  else
    ::fuse_reply_buf(req, text.data(), text.size());
}

void getxattr(fuse_req_t req, fuse_ino_t inode, const char* name, std::size_t size) {
  if (!is_kept(name)) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  const Result<std::string> value = context_of(req).tree.get_xattr(InodeId(inode), name);
  if (is_absent_label(name, value)) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  if (!value) return reply_error(req, value.error());
  reply_text(req, *value, size);
}

void listxattr(fuse_req_t req, fuse_ino_t inode, std::size_t size) {
  const auto names = context_of(req).tree.list_xattrs(InodeId(inode));
  if (!names) return reply_error(req, names.error());
  const bool administrator = ::fuse_req_ctx(req)->uid == 0;
  std::string list;
  for (const std::string& name : *names) {
    if (!administrator && name.starts_with("trusted.")) continue;  // not theirs to see
    list += name;
    list += '\0';
  }
  reply_text(req, list, size);
}

void removexattr(fuse_req_t req, fuse_ino_t inode, const char* name) {
  if (!is_kept(name)) {
    ::fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  Context& context = context_of(req);
  if (name == kCapabilityXattr) {
    const Result<Attributes> attributes = context.tree.attributes(InodeId(inode));
    if (attributes && attributes->protection.any()) {
      ::fuse_reply_err(req, EPERM);
      return;
    }
  }
  reply_result(req, context.tree.remove_xattr(InodeId(inode), name));
}

}  // namespace

void add_xattr_operations(fuse_lowlevel_ops& operations) {
  operations.setxattr = setxattr;
  operations.getxattr = getxattr;
  operations.listxattr = listxattr;
  operations.removexattr = removexattr;
}

}  // namespace coffer::fuse
