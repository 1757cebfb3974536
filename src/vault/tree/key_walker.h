#pragma once
/// KeyWalker: the keys of a bucket in byte order, from any key on.
///
/// An in-order walk over entry rows: a directory's row ends in '/', so the order of rows in every directory, with directories
/// walked into where they stand, is the order of keys. Sees one moment of the names.
///
/// Borrows   the namespace.
/// Threads   one. Takes no lock but the inodes' own, for a moment each.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vault/tree/namespace.h"

namespace coffer {

class KeyWalker {
 public:
  struct Item {
    std::string key;
    bool is_directory = false;  // `k/`
    InodeId inode;
  };

  KeyWalker(Namespace& names, InodeId bucket);

  /// The first key that S3 is shown at or behind `from`, or nothing.
  Result<std::optional<Item>> seek(std::string_view from);
  /// The next one behind the last that was given.
  Result<std::optional<Item>> next();

 private:
  struct Frame {
    InodeId directory;
    std::string prefix;  // of the keys in it: empty or ending in '/'
    std::string
        resume;  // row key at which the walk goes on in it when the cursor has been elsewhere
  };
  /// Looks for the next item from the cursor's place (or from `resume`) on, in the innermost frame.
  Result<std::optional<Item>> advance();
  Result<std::optional<Item>> enter(std::string_view row_name, InodeId directory);
  Result<bool> is_marker(InodeId directory);

  Namespace& names_;
  const InodeId bucket_;
  std::unique_ptr<MetaCursor> rows_;
  std::vector<Frame> frames_;
  bool stands_ =
      false;  // the cursor is in the innermost frame, at the row that comes next or was given last
};

}  // namespace coffer
