#pragma once
/// Object lock as the tree keeps to it (coffer/vault/object_lock.h): which versions may not be removed or changed.
///
/// Threads   any.
/// Errors    Permission: it is locked.

#include "coffer/vault/object_lock.h"
#include "vault/tree/namespace.h"
#include "vault/tree/object_record.h"

namespace coffer {

/// InodeRecord::kLocked where the properties lock, or did.
std::uint16_t lock_flag(const ObjectMetadata& metadata);
bool is_locked_now(const ObjectMetadata& metadata, Governance governance);
/// Is this version locked against everybody at the mount? @pre inode.mutex is held
Result<bool> is_locked(Namespace& names, const Inode& inode);
Result<void> check_unlocked(Namespace& names, const Inode& inode);
/// As stat(2) and the mount's open(2) see it: a locked version is immutable. @pre inode.mutex is held
Result<Attributes> shown_attributes(Namespace& names, const Inode& inode);
/// What the bucket's object lock gives to versions that bring no retention.
Result<std::optional<DefaultRetention>> bucket_retention(Namespace& names, InodeId bucket);

}  // namespace coffer
