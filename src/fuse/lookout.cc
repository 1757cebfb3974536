#include "fuse/lookout.h"

#include <pthread.h>
#include <signal.h>

namespace coffer::fuse {

Lookout::Lookout() : watch_([this] { watch(); }) {}

Lookout::~Lookout() {
  end();
  watch_.join();
}

bool Lookout::listen(Turn& turn) {
  const bool lonely = turn.waits_in_row >= kLonelyMax && listening_.load() > 0;
  if ((turn.parked || lonely) && !park(turn)) return false;
  if (ended_.load(std::memory_order_relaxed)) return false;
  listening_.fetch_add(1);
  turn.since = Clock::now();
  return true;
}

void Lookout::took(Turn& turn) {
  listening_.fetch_sub(1);
  taken_.fetch_add(1);
  // Either the watch sees this request before it sleeps, or its sleep is seen here.
  if (!watching_.load()) {
    MutexLock lock(mutex_);
    watching_.store(true);
    watch_wakes_.notify_one();
  }
  const Clock::time_point now = Clock::now();
  if (now - turn.since >= kWaited) {
    ++turn.waits_in_row;
    turn.busy_since = now;
    return;
  }
  turn.waits_in_row = 0;
  if (now - turn.busy_since < kBusy) return;
  turn.busy_since = now;
  call();
}

void Lookout::took_nothing() { listening_.fetch_sub(1); }

void Lookout::call_replacement() {
  if (listening_.load() == 0) call();
}

void Lookout::call() {
  MutexLock lock(mutex_);
  call_locked();
}

void Lookout::call_locked() {
  if (calls_ >= parked_) return;
  ++calls_;
  ++calls_made_;
  called_.notify_one();
}

bool Lookout::park(Turn& turn) {
  MutexLock lock(mutex_);
  // Asked again: of two that saw each other listen, the second sees nobody.
  if (!turn.parked && listening_.load() == 0) return true;
  ++parked_;
  while (calls_ == 0 && !ended_.load()) called_.wait(lock);
  --parked_;
  if (calls_ > 0) --calls_;
  turn = Turn{};
  turn.busy_since = Clock::now();
  return !ended_.load();
}

void Lookout::end() {
  MutexLock lock(mutex_);
  ended_.store(true);
  called_.notify_all();
  watch_wakes_.notify_all();
}

std::size_t Lookout::parked() const {
  MutexLock lock(mutex_);
  return parked_;
}

std::uint64_t Lookout::called() const {
  MutexLock lock(mutex_);
  return calls_made_;
}

void Lookout::watch() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  MutexLock lock(mutex_);
  std::uint64_t seen = taken_.load();
  while (!ended_.load()) {
    const bool awake = watching_.load();
    if (awake)
      watch_wakes_.wait_for(lock, kTick);
    else
      watch_wakes_.wait(lock);
    const std::uint64_t taken = taken_.load();
    if (taken != seen) {
      seen = taken;
    } else if (listening_.load() == 0) {
      call_locked();
    } else {
      watching_.store(false);
      if (taken_.load() != seen) watching_.store(true);
    }
  }
}

}  // namespace coffer::fuse
