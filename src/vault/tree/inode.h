#pragma once
/// Inode: the one in-memory object of an inode while anybody uses it.
///
/// Locks (docs/architecture.md, lock order): `entries` before `mutex`; several `entries` as rename.h says; several `mutex` in
///           ascending inode number. Both may be held across MetaStore::commit(), so that the order of an inode's rows in the
///           WAL is the order of its changes; neither across a sync.
/// entries   directories only: serialises changes of the entries against each other (exclusive) and against lookups that must
///           not see halves of a change (shared).
/// mutex     guards the fields below.

#include <atomic>
#include <cstdint>
#include <memory>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/tree/file_content.h"
#include "vault/tree/inode_mutex.h"
#include "vault/tree/inode_record.h"

namespace coffer {

struct Inode : std::enable_shared_from_this<Inode> {
  Inode(InodeId number, AttributeCache& cache) : id(number), mutex(cache, number) {}

  const InodeId id;
  SharedMutex entries;
  mutable InodeMutex mutex;

  // How far ahead of its sequential readers the volumes were asked to fetch; a hint, by itself.
  std::atomic<std::uint64_t> read_ahead_to{0};

  // Guarded by mutex.
  InodeRecord record;
  FileContent content;     // regular files and objects: extents and unsealed bytes
  bool reclaimed = false;  // its rows are gone or going: every call answers Stale
  bool dirty = false;      // record or content changed since the last commit
  bool fresh = false;      // no row of it is committed yet
  bool newborn =
      false;  // made open for writing and not closed since: its attributes go with that close
  bool orphan_row = false;  // an orphan row is committed
  bool taken_apart =
      false;  // extents changed in a way that only a commit may keep: should it fail, the rows are read again
  std::uint32_t readers = 0;  // snapshots (S3 GET) and writers that keep it alive without links
};

using InodeRef = std::shared_ptr<Inode>;

}  // namespace coffer
