#pragma once
/// Executor: a fixed pool of named threads behind a bounded queue; parallel_for over it.
///
/// Owns      its threads and the queued tasks.
/// Threads   submit, try_submit and parallel_for from any thread, a worker included; stop() from
///           any thread but a worker. The destructor stops.
/// Errors    submit and try_submit return false when the executor is stopping (try_submit also when
///           the queue is full): the task was not run and will not be. Tasks must not throw.

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "coffer/core/unique_function.h"

namespace coffer {

class Executor {
 public:
  using Task = UniqueFunction<void()>;

  struct Options {
    std::string name;  // of the threads, as ps and gdb show it: "name-0", cut at 15 characters
    std::size_t threads = 1;      // at least 1
    std::size_t queue_max = 256;  // tasks that wait; at least 1
  };

  explicit Executor(const Options& options);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Waits for a place in the queue. A worker of this executor never waits, since all of them
  /// might: with a full queue it runs the task at once, on itself.
  bool submit(Task task) EXCLUDES(mutex_);
  /// Never waits.
  bool try_submit(Task task) EXCLUDES(mutex_);
  /// Only if a worker idles that no queued task will take: the task is sure to start soon, and a queue
  /// that others fill up is left to them.
  bool try_submit_to_idle(Task task) EXCLUDES(mutex_);
  /// Takes no more tasks, runs those that wait, joins the threads. May be called again.
  void stop() EXCLUDES(mutex_);

  [[nodiscard]] std::size_t threads() const { return thread_count_; }
  /// Tasks that wait now; for metrics.
  [[nodiscard]] std::size_t queued() const EXCLUDES(mutex_);

 private:
  void run(std::size_t index) EXCLUDES(mutex_);
  bool enqueue(Task& task) REQUIRES(mutex_);

  const std::string name_;
  const std::size_t thread_count_;
  const std::size_t queue_max_;

  mutable Mutex mutex_;
  CondVar work_;   // a task came, or the executor stops
  CondVar space_;  // a place came free, or the executor stops
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  std::size_t idle_ GUARDED_BY(mutex_) =
      0;  // workers that wait; one that was notified counts still
  bool stopping_ GUARDED_BY(mutex_) = false;

  Mutex join_mutex_;  // taken before nothing else: held while the threads are joined
  std::vector<std::thread> workers_ GUARDED_BY(join_mutex_);
};

namespace detail {
/// A non-owning fn(index), so that parallel_for is compiled once.
struct IndexedCall {
  void* context;
  void (*call)(void* context, std::size_t index);
};
void parallel_for(Executor& executor, std::size_t n, IndexedCall fn);
}  // namespace detail

/// fn(0) … fn(n-1), each once, in any order, on the calling thread and on idle workers; returns
/// when all are done. The caller works too and waits for nothing but items that are already
/// running, so that it cannot deadlock, also from a worker, with a full queue or a stopped
/// executor.
template <typename Fn>
void parallel_for(Executor& executor, std::size_t n, Fn&& fn) {
  using Callable = std::remove_reference_t<Fn>;
  detail::parallel_for(
      executor, n,
      {const_cast<void*>(static_cast<const void*>(std::addressof(fn))),
       [](void* context, std::size_t index) { (*static_cast<Callable*>(context))(index); }});
}

/// As parallel_for with fn(index) -> Result<void>: after an error no further item is begun; returns
/// the error of the lowest index that failed.
template <typename Fn>
Result<void> try_parallel_for(Executor& executor, std::size_t n, Fn&& fn) {
  Mutex mutex;
  Error first_error;
  std::atomic<std::size_t> failed_index{n};
  parallel_for(executor, n, [&](std::size_t index) {
    if (failed_index.load(std::memory_order_relaxed) < n) return;
    if (Result<void> result = fn(index); !result) {
      MutexLock lock(mutex);
      if (index >= failed_index.load(std::memory_order_relaxed)) return;
      first_error = std::move(result).error();
      failed_index.store(index, std::memory_order_relaxed);
    }
  });
  if (failed_index.load() < n) return fail(std::move(first_error));
  return {};
}

}  // namespace coffer
