#pragma once
/// MemoryDisk: a simulated disk that survives crashes; MemoryVolume (open_memory_volume) is a
/// session on it.
///
///     auto clock = std::make_shared<FaultClock>();
///     auto disk = MemoryDisk::make({.name = "d0", .clock = clock});
///     auto volume = open_memory_volume(disk);
///     ...
///     clock->crash();          // every open session of every disk on this clock is dead
///     disk->power_cut(seed);   // and what was not synced is torn; or process_crash(): kept
///     auto again = open_memory_volume(disk);
///
/// Owns      the files, and the shard operations that wait while the disk hangs. Sessions own the
///           disk.
/// Threads   any. Completions and the clock's hook run without the disk's lock.
/// Faults    faults() for single operations; hang, vanish and capacity for the disk; content functions for the
///           medium (flipped bits, cut or replaced files); snapshot and restore for a disk that
///           comes back stale.
/// Exact     deterministic: the same calls in the same order with the same seeds give the same
///           disk.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/volume/fault_clock.h"
#include "vault/volume/fault_plan.h"
#include "vault/volume/memory_tree.h"
#include "vault/volume/volume.h"

namespace coffer {

class MemoryDisk : public std::enable_shared_from_this<MemoryDisk> {
 public:
  struct Options {
    std::string name = "disk";
    std::shared_ptr<FaultClock> clock = {};  // none: one of its own
    std::uint64_t seed = 1;                  // of what failed writes leave behind
    ByteCount capacity = ByteCount(std::uint64_t{1} << 40);
    std::uint64_t device = 0;  // 0: unlike any other disk's
  };
  /// One program's use of the disk, shared by its handles. Fields under the disk's lock unless
  /// constant.
  struct Session {
    std::uint64_t boot;        // constant
    std::uint64_t generation;  // constant
    std::set<MemoryTree::NodeId> poisoned;
  };
  using Image = MemoryTree;

  static std::shared_ptr<MemoryDisk> make(Options options);

  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] std::uint64_t device() const;
  FaultPlan& faults() { return faults_; }
  FaultClock& clock() { return *options_.clock; }

  /// The power fails: sessions die, a random part of what was not synced is kept.
  void power_cut(std::uint64_t seed) EXCLUDES(mutex_);
  /// kill -9: sessions die, everything written stays (and stays unsynced).
  void process_crash() EXCLUDES(mutex_);
  /// Under memory pressure: what a failed sync lost is read from the medium again.
  void evict() EXCLUDES(mutex_);

  void hang() EXCLUDES(mutex_);
  /// Ends a hang; the shard operations that waited happen now, late, on this thread.
  void release() EXCLUDES(mutex_);
  void vanish() EXCLUDES(mutex_);
  void reappear() EXCLUDES(mutex_);
  void set_capacity(ByteCount capacity) EXCLUDES(mutex_);

  /// All of the disk as it is; restore() brings it back later, stale. Sessions die.
  [[nodiscard]] Image snapshot() EXCLUDES(mutex_);
  void restore(const Image& image) EXCLUDES(mutex_);

  /// The medium, behind the back of whoever uses it. Bytes that were not synced count as synced
  /// after a change.
  [[nodiscard]] std::vector<std::string> paths() EXCLUDES(mutex_);
  Result<std::string> content(std::string_view path) EXCLUDES(mutex_);
  Result<void> set_content(std::string_view path, std::string content) EXCLUDES(mutex_);
  Result<void> flip_bit(std::string_view path, ByteOffset at, unsigned bit) EXCLUDES(mutex_);
  Result<void> erase(std::string_view path) EXCLUDES(mutex_);
  [[nodiscard]] ByteCount used() EXCLUDES(mutex_);

  // What sessions call.

  std::shared_ptr<Session> open_session();
  Result<void> lock(const std::shared_ptr<Session>& session) EXCLUDES(mutex_);
  void unlock(const Session& session) EXCLUDES(mutex_);
  /// The end of an open handle.
  void release_handle(const Session& session, MemoryTree::NodeId node) EXCLUDES(mutex_);

  /// What an operation may touch while it runs, under the disk's lock.
  struct Access {
    MemoryTree& tree;
    Session& session;
    MemoryTree::Random& random;
    std::uint64_t free_bytes;
    std::uint64_t capacity;
    std::optional<Errc>
        fault;  // set only for operations that leave something behind when they fail
  };
  template <typename T>
  using Effect = std::function<Result<T>(Access)>;

  /// One operation that blocks: TimedOut while the disk hangs.
  template <typename T>
  Result<T> call(const std::shared_ptr<Session>& session, IoKind kind, std::string_view path,
                 const Effect<T>& effect) EXCLUDES(mutex_);
  /// One operation with a completion: answered after release() if the disk hangs.
  template <typename T>
  void submit(const std::shared_ptr<Session>& session, IoKind kind, std::string_view path,
              Effect<T> effect, Completion<T> done) EXCLUDES(mutex_);

 private:
  struct Admission {
    std::optional<Error> error;
    std::optional<Errc> fault;
    bool hung = false;
  };

  explicit MemoryDisk(Options options);
  [[nodiscard]] bool alive(const Session& session) const;
  void count(const Session& session, IoKind kind, std::string_view path);
  Admission admit(const Session& session, IoKind kind, std::string_view path) REQUIRES(mutex_);
  [[nodiscard]] std::optional<Error> refusal(const Session& session) const REQUIRES(mutex_);
  Access access(Session& session, std::optional<Errc> fault) REQUIRES(mutex_);
  template <typename T>
  void resume(const std::shared_ptr<Session>& session, const Effect<T>& effect,
              const Completion<T>& done) EXCLUDES(mutex_);
  /// Gives back what waited for a hung disk: to be run, without the lock, and told that all is
  /// over.
  std::vector<std::function<void()>> end_sessions() REQUIRES(mutex_);
  static void run(const std::vector<std::function<void()>>& waiting);
  Result<void> change_medium(std::string_view path, const std::function<void(std::string&)>& edit)
      EXCLUDES(mutex_);

  const Options options_;
  FaultPlan faults_;
  std::atomic<std::uint64_t> generation_{0};  // changes under mutex_

  Mutex mutex_;
  MemoryTree tree_ GUARDED_BY(mutex_);
  MemoryTree::Random random_ GUARDED_BY(mutex_);
  ByteCount capacity_ GUARDED_BY(mutex_);
  bool hung_ GUARDED_BY(mutex_) = false;
  bool vanished_ GUARDED_BY(mutex_) = false;
  std::weak_ptr<Session> lock_owner_ GUARDED_BY(mutex_);
  std::vector<std::function<void()>> waiting_ GUARDED_BY(mutex_);
};

template <typename T>
Result<T> MemoryDisk::call(const std::shared_ptr<Session>& session, IoKind kind,
                           std::string_view path, const Effect<T>& effect) {
  count(*session, kind, path);
  MutexLock guard(mutex_);
  const Admission admission = admit(*session, kind, path);
  if (admission.hung) return fail(Errc::TimedOut, "the disk does not answer");
  if (admission.error) return fail(*admission.error);
  return effect(access(*session, admission.fault));
}

template <typename T>
void MemoryDisk::submit(const std::shared_ptr<Session>& session, IoKind kind, std::string_view path,
                        Effect<T> effect, Completion<T> done) {
  count(*session, kind, path);
  std::optional<Result<T>> result;
  {
    MutexLock guard(mutex_);
    const Admission admission = admit(*session, kind, path);
    if (admission.hung) {
      waiting_.push_back([this, session, effect = std::move(effect), done = std::move(done)] {
        resume<T>(session, effect, done);
      });
      return;
    }
    if (admission.error)
      result.emplace(fail(*admission.error));
    else
      result.emplace(effect(access(*session, admission.fault)));
  }
  done(std::move(*result));
}

template <typename T>
void MemoryDisk::resume(const std::shared_ptr<Session>& session, const Effect<T>& effect,
                        const Completion<T>& done) {
  std::optional<Result<T>> result;
  {
    MutexLock guard(mutex_);
    if (auto error = refusal(*session))
      result.emplace(fail(std::move(*error)));
    else
      result.emplace(effect(access(*session, std::nullopt)));
  }
  done(std::move(*result));
}

}  // namespace coffer
