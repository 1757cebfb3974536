#pragma once
/// The bytes of `k/`: a directory that is an object keeps them in an inode of their own, which its object row names (hidden, one
/// link, no directory entry): so a PUT of `k/` replaces them as it replaces any object's, and an open reader keeps its snapshot.

#include "vault/tree/namespace.h"

namespace coffer {

/// The inode with the bytes of this directory's object, or null. @pre the `entries` of the
/// directory's parent are held exclusively: they guard its marker and its body.
Result<InodeRef> body_of(Namespace& names, const InodeRef& directory);

/// The directory was a bucket and is gone: so are the uploads into it.
Result<void> drop_uploads(Namespace& names, InodeId bucket);

}  // namespace coffer
