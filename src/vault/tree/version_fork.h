#pragma once
/// Writers at the mount and versions that are complete.
///
/// The kernel knows a file by its inode, so the bytes that a writer changes are those of the inode that stands at the name. What it was
/// before moves: an inode of its own shares its extents and takes over its version, and the one that the writer has is another version,
/// not complete before it is closed.
///
/// Threads   any; takes the gate, entries and inode mutexes: @pre the caller holds none of them.
/// Errors    Permission: the version is locked; Stale; those of FileBytes::copy_range().

#include "vault/tree/namespace.h"

namespace coffer {

/// Afterwards the inode's bytes may be changed, until somebody closes it.
Result<void> open_for_change(Namespace& names, const InodeRef& inode);
/// (not locked) The writer closed it: a version as it is now, with the retention that its bucket gives. The caller commits it.
Result<void> seal_version(Namespace& names, const InodeRef& inode);

/// A file from before its bucket had versions, found at the mount: from now on its inode says which version of which key it is, so
/// that a writer can keep it. @pre the gate is held, and the entries of the directory that has it, in either way
Result<void> adopt_files(Namespace& names, const VersionedPlace& place,
                         const std::vector<std::pair<InodeRef, std::string>>& files);

}  // namespace coffer
