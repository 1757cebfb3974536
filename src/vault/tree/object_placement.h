#pragma once
/// Placing an object: the one way in which bytes that were written become what stands at a key (PUT, copy, multipart complete).
///
/// One batch: directories that are missing on the way, the entry, the object row, the end of what stood there. Conditions are checked
/// under the lock of the directory that holds the entry.

#include <functional>

#include "vault/tree/object_info.h"
#include "vault/tree/object_path.h"
#include "vault/tree/tree_change.h"

namespace coffer {

struct Placement {
  std::string bucket, key;
  InodeId bucket_id;  // the directory that was the bucket when the request was let in
  ObjectKey parsed;
  InodeRef bytes;  // hidden, without links, settled; nobody writes to it any more
  ObjectMetadata metadata;
  WriteConditions conditions;
  std::vector<PartInfo> parts = {};  // of a multipart object
  /// With `bytes` locked and everything checked: may add to the batch and to the bytes. Run at most once.
  std::function<Result<void>(TreeChange&)> complete;
  /// After the commit, before any lock is released.
  std::function<void()> completed;
};

/// A hidden inode for new bytes, kept alive by a reader that the caller drops. Belongs to the bucket's owner.
Result<InodeRef> make_hidden(Namespace& names, const Inode& bucket);

/// Conflict: a condition did not hold; NotFound: no bucket, or If-Match where nothing stands; NotDirectory: a symlink or
/// special file is there or on the way. Takes the gate; publishes.
Result<ObjectInfo> place_object(Namespace& names, const Placement& placement);

/// What the conditions say to what stands there now (null: nothing).
Result<void> check_conditions(const WriteConditions& conditions, const ObjectInfo* present);

/// Makes it durable where asked. @pre no lock is held
Result<void> reach(Namespace& names, Durability durability);

}  // namespace coffer
