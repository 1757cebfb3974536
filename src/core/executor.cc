#include "coffer/core/executor.h"

#include <algorithm>

#include "coffer/core/thread_name.h"

namespace coffer {
namespace {
// Whose worker this thread is, so that submit() knows when waiting could be for ever.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
thread_local const Executor* this_worker_of = nullptr;
}  // namespace

Executor::Executor(const Options& options)
    : name_(options.name),
      thread_count_(std::max<std::size_t>(options.threads, 1)),
      queue_max_(std::max<std::size_t>(options.queue_max, 1)) {
  MutexLock lock(join_mutex_);
  workers_.reserve(thread_count_);
  for (std::size_t index = 0; index < thread_count_; ++index) {
    workers_.emplace_back([this, index] { run(index); });
  }
}

Executor::~Executor() { stop(); }

bool Executor::enqueue(Task& task) {
  if (stopping_ || queue_.size() >= queue_max_) return false;
  queue_.push_back(std::move(task));
  work_.notify_one();
  return true;
}

bool Executor::submit(Task task) {
  {
    MutexLock lock(mutex_);
    if (this_worker_of != this) {
      while (!stopping_ && queue_.size() >= queue_max_) space_.wait(lock);
    }
    if (enqueue(task)) return true;
    if (stopping_) return false;
  }
  task();
  return true;
}

bool Executor::try_submit(Task task) {
  MutexLock lock(mutex_);
  return enqueue(task);
}

bool Executor::try_submit_to_idle(Task task) {
  MutexLock lock(mutex_);
  return queue_.size() < idle_ && enqueue(task);
}

void Executor::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    space_.notify_all();
  }
  MutexLock lock(join_mutex_);
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

std::size_t Executor::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void Executor::run(std::size_t index) {
  name_this_thread(name_ + "-" + std::to_string(index));
  this_worker_of = this;
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (queue_.empty() && !stopping_) work_.wait(lock);
      --idle_;
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      space_.notify_one();
    }
    task();
  }
}

namespace detail {
namespace {

// Shared with helpers that may come late, after parallel_for returned: they find no index left and
// never touch fn, which is gone by then.
struct ParallelRun {
  ParallelRun(std::size_t n, IndexedCall call) : total(n), fn(call) {}

  void work() {
    std::size_t finished = 0;
    for (std::size_t index = next.fetch_add(1); index < total; index = next.fetch_add(1)) {
      fn.call(fn.context, index);
      ++finished;
    }
    if (finished == 0) return;
    MutexLock lock(mutex);
    done += finished;
    if (done == total) all_done.notify_one();
  }

  void wait() {
    MutexLock lock(mutex);
    while (done < total) all_done.wait(lock);
  }

  const std::size_t total;
  const IndexedCall fn;
  std::atomic<std::size_t> next{0};
  Mutex mutex;
  CondVar all_done;
  std::size_t done GUARDED_BY(mutex) = 0;
};

}  // namespace

void parallel_for(Executor& executor, std::size_t n, IndexedCall fn) {
  if (n == 0) return;
  if (n == 1) return fn.call(fn.context, 0);
  const auto run = std::make_shared<ParallelRun>(n, fn);
  const std::size_t helpers = std::min(n - 1, executor.threads());
  for (std::size_t helper = 0; helper < helpers; ++helper) {
    if (!executor.try_submit_to_idle([run] { run->work(); })) break;
  }
  run->work();
  run->wait();
}

}  // namespace detail
}  // namespace coffer
