#pragma once
/// FileBytes: reading and writing the bytes of inodes.
///
/// The data's way: write() seals large pieces at once, outside of the inode's lock, and puts small
/// ones aside as pending bytes; commit() settles what is pending and writes the rows; read() takes
/// a snapshot of the extents under the lock and reads without it, again from a new snapshot if a
/// segment vanished meanwhile (cleaned or removed).

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <set>
#include <vector>

#include "vault/tree/copy_map.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/new_runs.h"

namespace coffer {

class SegmentLedger;

/// The version that an inode is, is complete: its bytes are no longer changed in place (version_fork.h). Nothing else below fails so.
inline constexpr Errc kCompleteVersion = Errc::Conflict;

class FileBytes {
 public:
  enum class Settle : std::uint8_t { Sealed, InlineIfSmall };  // close and background; fsync

  struct Deps {
    MetaStore* meta = nullptr;
    SegmentStore* segments = nullptr;
    SegmentLedger* ledger = nullptr;
    InodeStore* inodes = nullptr;
    std::function<bool()>
        make_room;  // called without locks when space is short; true: something came back
    /// Fails once bytes that were answered are lost, or rows can no longer be written: nothing is promised from then on.
    std::function<Result<void>()> check_intact = [] { return Result<void>(); };
    PendingRoom* pending_room = nullptr;  // null: as much as comes
  };
  explicit FileBytes(const Deps& deps) : deps_(deps) {}

  Result<std::size_t> read(const InodeRef& inode, std::uint64_t offset, MutableBytes out);
  Result<void> write(const InodeRef& inode, std::uint64_t offset, Bytes data);
  /// (locked) Commits what is there, then changes the size; what lies behind a smaller one is gone. After success the row is
  /// the caller's to stage; should that commit fail, the inode is read again from its rows.
  Result<void> resize(Inode& inode, std::uint64_t size);
  Result<void> allocate(const InodeRef& inode, AllocateMode mode, std::uint64_t offset,
                        std::uint64_t length);
  Result<std::uint64_t> seek(const InodeRef& inode, std::uint64_t offset, SeekTarget target);
  /// Shares extents between two inodes, or within one.
  Result<std::uint64_t> copy_range(const InodeRef& from, std::uint64_t from_offset,
                                   const InodeRef& to, std::uint64_t to_offset,
                                   std::uint64_t length);
  /// (locked both) Moves all extents of `part` behind the bytes of `to`: multipart complete. Rows
  /// of `part` are removed by the batch; `to` is staged by the caller.
  Result<void> move_all(MetaBatch& batch, Inode& part, Inode& to);

  /// (locked) Makes pending bytes extents.
  Result<void> settle(Inode& inode, Settle how);
  /// Settles, writes out and commits one inode: survives kill -9 afterwards. Io once the vault has lost bytes, also where
  /// this inode has nothing left to commit: a background commit may have written what a sync then lost.
  Result<void> commit(const InodeRef& inode, Settle how);
  /// Recovery: what still stands where `reference` put it is sealed again elsewhere and committed with the next commit. Times stay.
  Result<void> seal_again(const InodeRef& inode, const Reference& reference);
  /// Cleaning (docs/decisions/0014). Which extents within `ranges` (ascending) lie in these segments, as memory has it.
  struct Named {
    std::vector<Extent> extents;
    bool rows_behind = false;  // rows may name more
  };
  Result<Named> named_in(const InodeRef& inode, const std::vector<FileRange>& ranges,
                         const std::set<SegmentId>& segments);
  /// What still names bytes of these segments of which there is a synced copy names the copy from now on; committed. Gives how
  /// many bytes.
  Result<std::uint64_t> swap_places(const InodeRef& inode, const std::vector<FileRange>& ranges,
                                    const std::set<SegmentId>& segments, const CopyMap& copies,
                                    NewRuns& runs);
  /// Commits every file that has lost bytes since its last commit, as far as there is room: only then do they count as dead.
  void commit_freed();
  /// commit(), with room made where there is none. What finds none even so stays pending: it can be read, every close and fsync
  /// says so, and PendingRoom bounds it.
  Result<void> deliver(const InodeRef& inode, Settle how);
  /// The end of the vault: bytes that still have no room are given up, with a line in the log; their writers were told.
  void give_up_pending();
  /// `attempt` fails with kCompleteVersion where it comes by a version that is complete: it is opened for the change then, and
  /// `attempt` made again. @pre no lock is held
  template <typename Attempt>
  auto with_open_version(const InodeRef& inode, const Attempt& attempt) -> decltype(attempt()) {
    constexpr int kTurnsMax = 100;  // each loses against somebody who closes the file
    auto done = attempt();
    for (int turn = 0; turn < kTurnsMax && !done; ++turn) {
      if (done.error().code != kCompleteVersion || !open_for_change_) break;
      COFFER_TRY(open_for_change_(inode));
      done = attempt();
    }
    return done;
  }
  /// Set once, before the first write.
  void set_open_for_change(std::function<Result<void>(const InodeRef&)> open_for_change) {
    open_for_change_ = std::move(open_for_change);
  }
  /// Tries again after NoSpace as long as space comes back, of deleted files or by cleaning. @pre no lock is held
  template <typename Attempt>
  auto with_room(const Attempt& attempt) -> decltype(attempt()) {
    auto done = attempt();
    // Whether a call freed something or another one just did: it is worth another try, and one more at the end.
    bool more = true;
    for (int tries = 0; tries < kRoomTries && more; ++tries) {
      if (done || done.error().code != Errc::NoSpace || !deps_.make_room) return done;
      more = deps_.make_room();
      done = attempt();
    }
    return done;
  }
  /// Commits all dirty inodes. `sync` is the caller's next step where durability is wanted.
  Result<void> commit_all();

 private:
  // Others may take what came back; with this many rounds of cleaning a vault has given what it has.
  static constexpr int kRoomTries = 16;

  /// (locked) Makes the extents present that a change of [from, to) may have to look at.
  Result<void> load_around(Inode& inode, std::uint64_t from, std::uint64_t to);
  /// (locked) Forgets what stands in [from, to), pending bytes too.
  Result<void> clear_range(Inode& inode, std::uint64_t from, std::uint64_t to);
  /// (locked) The range is clear; these references stand there now.
  void put_references(Inode& inode, const std::vector<Reference>& references);
  /// (locked) The caller changed content: times, version, dirty.
  void touch(Inode& inode);
  Result<void> allocate_once(const InodeRef& inode, AllocateMode mode, std::uint64_t offset,
                             std::uint64_t end);
  Result<void> write_pending(const InodeRef& inode, std::uint64_t offset, Bytes data);
  /// A large read of [begin, end) is about to be made: if it goes on where others ended, what follows is fetched while the reader works
  /// on what it has. The kernel reads ahead within a shard file only; a stripe's next bytes are in another one.
  void read_ahead(Inode& inode, std::uint64_t begin, std::uint64_t end);
  Result<void> write_sealed(const InodeRef& inode, std::uint64_t offset, Bytes data);
  Result<void> seal_run(Inode& inode, std::uint64_t offset, Bytes data);
  Result<void> share_range(MetaBatch& batch, Inode& from, std::uint64_t begin, std::uint64_t end);
  Result<void> copy_locked(Inode& from, std::uint64_t from_offset, Inode& to,
                           std::uint64_t to_offset, std::uint64_t length);
  /// (locked) What commit() does.
  Result<void> commit_locked(Inode& inode, Settle how);
  /// (locked) commit_locked() for a file about to be cut at `size`: what that cuts off needs no room. The caller restores the
  /// size after a failure.
  Result<void> commit_below(Inode& inode, std::uint64_t size);
  Result<void> commit_settled(Inode& inode);
  Result<void> settle_as_far_as_room(Inode& inode);
  std::vector<NewRuns::Key> bring_runs(MetaBatch& batch, Inode& inode,
                                       const std::vector<CopyMap::Found>& found,
                                       const NewRuns& runs);
  Result<std::uint64_t> swap_locked(Inode& inode, const std::vector<CopyMap::Found>& found,
                                    NewRuns& runs);
  Result<void> commit_batch(MetaBatch batch, std::initializer_list<Inode*> inodes);

  Deps deps_;
  std::function<Result<void>(const InodeRef&)> open_for_change_;
};

}  // namespace coffer
