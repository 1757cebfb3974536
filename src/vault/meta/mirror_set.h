#pragma once
/// MirrorSet: the metadata mirrors in use, and what happens when one of them fails.
///
/// Owns      nothing but its own state. Borrows the file areas and the owner.
/// Threads   any. The owner is called without a lock held.
/// States    Good → Failing (a write failed; its owner is being told) → Dropped (an epoch that does not name it is
///           synced). An operation succeeds once every mirror that is not Dropped did it, and while one is Failing
///           nobody's operation does: a success that skipped a mirror is never reported before the epoch says so.
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

  [[nodiscard]] std::size_t size() const { return mirrors_.size(); }
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

  /// Runs a write on every good mirror.
  Result<void> write(Order order, const Operation& operation) EXCLUDES(mutex_);
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
  enum class State : std::uint8_t { Good, Failing, Dropped };
  struct Mirror {
    MirrorDirectory where;
    std::string directory;
    bool twin = false;  // const after construction
    std::atomic<State> state{State::Good};
    std::atomic<bool> damaged{false};
  };
  using Outcomes = std::vector<std::optional<Result<void>>>;

  Outcomes run(Order order, const Operation& operation);
  Result<void> settle(const Outcomes& outcomes) EXCLUDES(mutex_);
  void lose_twin(std::size_t mirror, const Error& why) REQUIRES(mutex_);
  Result<void> drop(std::size_t mirror, const Error& why) EXCLUDES(mutex_);
  Result<void> wait_for_drops() EXCLUDES(mutex_);

  std::vector<Mirror> mirrors_;
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
