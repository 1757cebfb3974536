#pragma once
/// InodeStore: inodes by number: the cache, numbering, rows, and the end of their lives.
///
/// Owns      the inode cache (bounded; dirty and used inodes stay), the cache of attributes, the counters, the reaper of unlinked inodes.
/// Borrows   the metadata store, the segment store.
/// Threads   everything from any thread. Functions marked (locked) want the inode's mutex held exclusively by the caller.
/// Errors    NotFound: there is no such inode (never was, or reclaimed: doors say Stale). Io, Corrupt.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "coffer/vault/tree.h"
#include "vault/meta/meta_store.h"
#include "vault/segment/segment_store.h"
#include "vault/tree/inode.h"

namespace coffer {

class SegmentLedger;

class InodeStore {
 public:
  struct Deps {
    MetaStore* meta = nullptr;
    SegmentStore* segments = nullptr;
    SegmentLedger* ledger = nullptr;  // live bytes, shared runs
    std::size_t cache_inodes_max = 200'000;
    std::size_t attribute_cache_bytes = std::size_t{32} << 20;
  };
  explicit InodeStore(const Deps& deps);
  ~InodeStore();

  Result<InodeRef> get(InodeId id);
  /// A new inode with a fresh number, in memory only: it exists once a batch with stage() is committed. Times are set to now
  /// where they are zero.
  Result<InodeRef> make(InodeRecord record);
  /// What stat(2) shows of the inode, if somebody remembered it (InodeMutex::remember) and nobody changed it since; else false.
  [[nodiscard]] bool known_attributes(InodeId id, Attributes& known);
  /// Never reused numbers for directory cookies.
  Result<std::uint64_t> next_cookie();

  /// Reads extent rows: the loader of ExtentMap::load.
  [[nodiscard]] ExtentMap::Loader extent_loader(InodeId inode) const;

  /// (locked) Brings record.attributes.allocated up to date with extents and pending bytes.
  static void account(Inode& inode);
  /// (locked) Adds the inode row, and every changed extent row, as they now stand. Pending bytes are no part of it: call
  /// FileBytes::settle first where they must be. On success of the commit the caller calls committed(), on failure
  /// uncommitted(), both still locked.
  void stage(MetaBatch& batch, Inode& inode);
  void committed(Inode& inode);
  void uncommitted(Inode& inode);

  /// (locked) The inode has just lost its last link (record.attributes.nlink is 0): adds its removal to the batch, or an orphan row
  /// while somebody uses it or where there is too much to remove in one batch. After the commit, still locked: committed() if it
  /// returned true, and then, unlocked, reclaim_later(id); removed() if it returned false.
  Result<bool> stage_unlinked(MetaBatch& batch, Inode& inode);
  /// Queues an inode without links for the reaper, which reclaims it once nobody uses it.
  void reclaim_later(InodeId id);

  /// Keeps an inode alive without links: open S3 readers, writers.
  void add_reader(Inode& inode);
  void drop_reader(const InodeRef& inode);
  void set_users(InodeUsers* users);
  void forgotten(InodeId id);

  /// (locked) Adds the removal of its rows, its extents being gone already (moved to another inode). Then removed().
  void stage_gone(MetaBatch& batch, Inode& inode);
  /// (locked) Its rows were removed by a committed batch; forgets it.
  void removed(Inode& inode);

  /// All inodes that changed since their last commit.
  std::vector<InodeRef> dirty();
  [[nodiscard]] std::size_t dirty_count() const;
  void mark_dirty(Inode& inode);  // (locked) @pre the inode came from get() or make()
  /// At open: queues every orphan row and hidden inode without upload.
  Result<void> queue_orphans();
  /// Waits until the reaper has nothing to do (tests, close).
  void drain_reaper();
  void stop();
  [[nodiscard]] std::uint64_t count() const;  // inodes in the vault

 private:
  struct Impl;
  void run_reaper();
  void reap(const std::vector<InodeId>& ids);
  Result<std::vector<InodeId>> reap_small(const std::vector<InodeId>& ids);
  Result<void> reap_one(InodeId id);

  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
