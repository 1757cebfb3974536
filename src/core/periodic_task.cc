#include "coffer/core/periodic_task.h"

#include <utility>

#include "coffer/core/thread_name.h"

namespace coffer {

PeriodicTask::PeriodicTask(std::string name, std::chrono::milliseconds interval,
                           UniqueFunction<void()> fn)
    : name_(std::move(name)), interval_(interval), fn_(std::move(fn)) {
  MutexLock lock(join_mutex_);
  thread_ = std::thread([this] { run(); });
}

PeriodicTask::~PeriodicTask() { stop(); }

void PeriodicTask::wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

void PeriodicTask::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    if (runner_ == std::this_thread::get_id()) return;
  }
  MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

bool PeriodicTask::wait_for_turn() {
  const auto deadline = std::chrono::steady_clock::now() + interval_;
  MutexLock lock(mutex_);
  while (!woken_ && !stopping_) {
    if (interval_.count() == 0) {
      changed_.wait(lock);
      continue;
    }
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left.count() <= 0) break;
    changed_.wait_for(lock, left);
  }
  woken_ = false;
  return !stopping_;
}

void PeriodicTask::run() {
  name_this_thread(name_);
  {
    MutexLock lock(mutex_);
    runner_ = std::this_thread::get_id();
  }
  while (wait_for_turn()) fn_();
}

}  // namespace coffer
