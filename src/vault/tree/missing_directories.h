#pragma once
/// The directories that a key needs and that are not there: made and entered in the batch that makes the key's entry.

#include <vector>

#include "vault/tree/object_path.h"
#include "vault/tree/tree_change.h"

namespace coffer {

/// `count` directories one in the other, in memory; the first will stand in `parent`. They belong to its owner. What does not come to
/// be is the caller's to mark reclaimed.
Result<std::vector<InodeRef>> new_directories(Namespace& names, const Inode& parent,
                                              std::size_t count);
/// Enters them below place.parent() under the key's names; `first` is what stands under the first of these, and follows.
/// @pre all of them and the parent are locked
Result<void> enter_directories(Namespace& names, TreeChange& change, const ObjectPlace& place,
                               const ObjectKey& key, const std::vector<InodeRef>& made,
                               NameSlots& first);

}  // namespace coffer
