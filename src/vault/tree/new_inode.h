#pragma once
/// What a new inode is, and what it gets from the directory that it is made in: one place for both
/// doors.

#include <optional>

#include "coffer/vault/tree.h"
#include "vault/meta/meta_store.h"
#include "vault/tree/inode.h"
#include "vault/tree/posix_acl.h"

namespace coffer {

/// NotFound: a symlink to nothing. NameTooLong: a symlink's target.
Result<InodeRecord> new_record(const NewNode& node);

/// The ACL that a directory hands on, if it has one. @pre the directory is locked, and committed
Result<std::optional<PosixAcl>> default_acl(MetaStore& meta, const Inode& directory);

/// A sgid directory hands its group on, and the bit to directories (inode(7)). A default ACL takes
/// the umask's place: it limits the permissions, becomes the access ACL where it says more than they
/// can, and is handed on by directories in turn (acl(5)). Rows go into the batch.
/// @pre both are locked
void inherit(MetaBatch& batch, const std::optional<PosixAcl>& acl, const Inode& directory,
             Inode& made, std::uint16_t umask);

}  // namespace coffer
