#pragma once
/// Counting live bytes while extents come and go (extent.h, "Sharing"). Changes FileContent::added
/// and ::removed.
///
/// @pre the caller holds the inode's mutex and has loaded one chunk's length around the changed
/// range.

#include <vector>

#include "vault/tree/file_content.h"

namespace coffer {

/// After `pieces` were removed from content.extents: chunks that nothing in the file refers to any
/// more are dead.
void count_removed(FileContent& content, const std::vector<Extent>& pieces);
/// Before exclusive extents from SegmentStore::append() are inserted. Gives what to pin.
LiveBytes count_added(FileContent& content, const std::vector<Reference>& references);

}  // namespace coffer
