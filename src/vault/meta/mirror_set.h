#pragma once
/// MirrorSet: the metadata mirrors in use, and what happens when one of them fails.
///
/// Owns      nothing but its own state. Borrows the file areas and the owner.
/// Threads   any. The owner is called without a lock held.
/// States    Good → Failing (a write failed; its owner is being told) → Dropped (an epoch that does not name it is
///           synced). An operation succeeds once every mirror that is not Dropped did it, and while one is Failing
///           nobody's operation does: a success that skipped a mirror is never reported before the epoch says so.
/// Joining   A mirror that was added later (add): it takes part in every operation that began after add() returned, nobody
///           waits for it, and it is Dropped by its first failure. promote() makes it Good, after whoever copies has given it
///           all that was there before. One that no epoch came to name is withdrawn: Dropped, and, where nobody ever read from
///           it, Free for the next one.
/// Twins     A mirror whose member has one before it is that one's twin (docs/decisions/0009): it stands in for bytes that do
///           not verify, and never for its volume. One that fails is Dropped at once, noted as damaged, and nobody
///           waits for it; nothing succeeds without the mirror that it is the twin of.
/// Errors    what the last good mirror failed with. After that, or after halt(), every write fails with Io.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/executor.h"
#include "coffer/core/mutex.h"
#include "vault/meta/meta_store.h"

namespace coffer::meta {

class MirrorSet {
 public:
  enum class Order { OneByOne, Parallel };  // syncs wait for disks: run those at the same time
  using Operation = std::function<Result<void>(std::size_t mirror)>;

  MirrorSet(std::vector<MirrorDirectory> mirrors, MetaStoreOwner* owner);

  static constexpr std::size_t kAddedMax = 32;  // good ones, in the life of a set

  [[nodiscard]] std::size_t size() const { return count_.load(std::memory_order_acquire); }
  [[nodiscard]] const MirrorDirectory& where(std::size_t mirror) const {
    return mirrors_[mirror].where;
  }
  [[nodiscard]] FileArea& files(std::size_t mirror) const { return *mirrors_[mirror].where.files; }
  [[nodiscard]] const std::string& directory(std::size_t mirror) const {
    return mirrors_[mirror].directory;
  }
  [[nodiscard]] std::string path(std::size_t mirror, std::string_view name) const;
  [[nodiscard]] bool twin(std::size_t mirror) const { return mirrors_[mirror].twin; }
  [[nodiscard]] bool good(std::size_t mirror) const {
    return mirrors_[mirror].state.load(std::memory_order_acquire) == State::Good;
  }

  [[nodiscard]] bool joining(std::size_t mirror) const {
    return mirrors_[mirror].state.load(std::memory_order_acquire) == State::Joining;
  }

  /// Runs a write on every good mirror, and on those that join.
  Result<void> write(Order order, const Operation& operation) EXCLUDES(mutex_, shape_);
  /// A mirror that joins. Waits for the operations under way. Busy: kAddedMax were added already.
  Result<std::size_t> add(const MirrorDirectory& where) EXCLUDES(mutex_, shape_);
  /// Io: it failed meanwhile.
  Result<void> promote(std::size_t mirror) EXCLUDES(shape_);
  /// No operation reaches it any more when this returns. `let_go` closes what is open of it. @pre added, and named by no epoch
  void withdraw(std::size_t mirror, const std::function<void()>& let_go) EXCLUDES(mutex_, shape_);
  /// The mirror on a volume that failed otherwise: no operation succeeds until `raise` has synced an epoch that does
  /// not name it. Only calls `raise` where no good mirror is on that member.
  Result<void> leave_out(std::uint8_t member_index, const std::function<Result<void>()>& raise)
      EXCLUDES(mutex_);
  /// From now on nothing reaches a disk any more, as if the process had died here.
  void halt() { halted_.store(true, std::memory_order_release); }
  [[nodiscard]] bool broken() const { return broken_.load(std::memory_order_acquire); }

  /// A mirror gave bytes of `file` that do not verify; another one served the read.
  void note_damage(std::size_t mirror, std::string_view file = {}) EXCLUDES(mutex_);
  [[nodiscard]] std::set<std::string> damaged_files(std::size_t mirror) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::uint8_t> damaged_members() const;

 private:
  enum class State : std::uint8_t { Good, Failing, Dropped, Joining, Free };
  struct Mirror {
    MirrorDirectory where;
    std::string directory;
    bool twin = false;      // const while it is not Free, like the above
    bool was_good = false;  // it may have readers; written by who adds mirrors
    std::atomic<State> state{State::Dropped};
    std::atomic<bool> damaged{false};
  };
  using Outcomes = std::vector<std::optional<Result<void>>>;

  Outcomes run(Order order, const Operation& operation);
  Result<void> settle(const Outcomes& outcomes) EXCLUDES(mutex_);
  void lose_twin(std::size_t mirror, const Error& why) REQUIRES(mutex_);
  Result<void> drop(std::size_t mirror, const Error& why) EXCLUDES(mutex_);
  Result<void> wait_for_drops() EXCLUDES(mutex_);

  std::vector<Mirror> mirrors_;  // with room for kAddedMax more
  std::atomic<std::size_t> count_;
  SharedMutex shape_;  // shared by operations, so that add() knows which ones came after it
  MetaStoreOwner* const owner_;
  std::unique_ptr<Executor> executor_;  // null with one mirror
  std::atomic<bool> halted_{false};
  std::atomic<bool> broken_{false};
  mutable Mutex mutex_;                                                  // orders changes of state
  std::vector<std::set<std::string>> damaged_files_ GUARDED_BY(mutex_);  // by mirror
  CondVar settled_;
};

/// "meta.<uid>"
std::string meta_directory_path(DirectoryUid directory);

}  // namespace coffer::meta
