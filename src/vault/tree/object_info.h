#pragma once
/// What S3 is told of an object, out of its inode and its object row.

#include "vault/tree/namespace.h"
#include "vault/tree/object_record.h"

namespace coffer {

/// An object, found: `bytes` holds its content (the file itself, or the body of `k/`; null: no bytes).
struct FoundObject {
  ObjectInfo info;
  InodeRef bytes;
  std::uint64_t content_version = 0;  // of `bytes`, as `info` tells of them
};

/// The object row of an inode, if it has one. @pre inode.mutex is held
Result<std::optional<ObjectRecord>> object_record(Namespace& names, const Inode& inode);

/// (inode.mutex held) Info of a regular file. `record` is its object row, if any.
ObjectInfo file_info(std::string_view key, const Inode& inode,
                     const std::optional<ObjectRecord>& record);

/// What stands at the last component. NotFound: nothing that S3 serves; NotDirectory: a symlink; Stale: it went away between the looks
/// (only if the parent's `entries` are not held).
Result<FoundObject> read_object(Namespace& names, std::string_view key, bool is_directory,
                                const NameSlots& slots);

}  // namespace coffer
