#pragma once
/// fsck: the metadata held against itself and against the segments (docs/architecture.md, "Invariants", invariants 3 and 11).
///
/// Looks at one moment of the rows, so the caller commits first and keeps writers away for an exact answer; on a live vault with writers
/// a difference may be a change under way. Problems name inodes and segments by number, never by name.

#include <functional>

#include "coffer/vault/vault.h"

namespace coffer {

class FileBytes;
class InodeStore;
class MetaStore;
class SegmentStore;

struct FsckDeps {
  MetaStore* meta = nullptr;
  SegmentStore* segments = nullptr;
  InodeStore* inodes = nullptr;
  FileBytes* bytes = nullptr;
  std::function<void()> rows_compared = [] {};  // what follows reads files alone
};

Result<FsckReport> run_fsck(const FsckDeps& deps, const FsckOptions& options);

}  // namespace coffer
