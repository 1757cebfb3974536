#pragma once
/// Lookout: how many workers listen for requests.
///
/// A client that waits for each answer needs one worker. Were all of them to block in read(2), the kernel would wake them
/// in turn, and each request would find cold caches and another CPU: half of a small request's cost. So one
/// listens and answers, and the others are parked until it would be missed:
///
///   parked ──called──► listening ──request──► answering ──► listening …
///      ▲                   └── kLonelyMax requests waited for, and another one listens ──┐
///      └──────────────────────────────────────────────────────────────────────────────┘
///
///   called by  a worker whose request may take long, when no other listens;
///              a worker that found the next request waiting for longer than kBusy: there is work for two;
///              the watch, when for a whole tick nobody listened and nobody came back: what should have been short blocks.
///
/// Owns      the watch's thread; it sleeps while no request comes.
/// Threads   listen, took, took_nothing and call_replacement by a worker with its own Turn; end from any thread.
/// Invariant a worker parks only while another one is in read(2).

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "coffer/core/mutex.h"

namespace coffer::fuse {

class Lookout {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::microseconds kWaited{
      10};  // a read(2) that took this long had to wait
  static constexpr std::chrono::microseconds kBusy{250};
  static constexpr std::chrono::milliseconds kTick{2};
  static constexpr unsigned kLonelyMax = 16;

  /// One worker's memory of its last requests.
  struct Turn {
    bool parked = false;  // how a worker begins; all but one should
    unsigned waits_in_row = 0;
    Clock::time_point since{};       // of the read(2) under way
    Clock::time_point busy_since{};  // no read(2) had to wait since then
  };

  Lookout();
  ~Lookout();
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  /// Before read(2); may park. False: end() was called.
  bool listen(Turn& turn);
  /// After a read(2) that gave a request, or gave none.
  void took(Turn& turn);
  void took_nothing();

  /// The caller's request may take long: sees to it that somebody listens meanwhile.
  void call_replacement();

  /// Every listen() returns false from now on, parked ones at once.
  void end();

  [[nodiscard]] std::size_t parked() const;
  [[nodiscard]] std::uint64_t called() const;  // so many calls were made

 private:
  void call() EXCLUDES(mutex_);
  void call_locked() REQUIRES(mutex_);
  bool park(Turn& turn) EXCLUDES(mutex_);
  void watch();

  std::atomic<unsigned> listening_{0};
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<bool> watching_{false};
  std::atomic<bool> ended_{false};

  mutable Mutex mutex_;
  CondVar called_;
  CondVar watch_wakes_;
  std::size_t parked_ GUARDED_BY(mutex_) = 0;
  std::size_t calls_ GUARDED_BY(mutex_) = 0;  // not yet heard
  std::uint64_t calls_made_ GUARDED_BY(mutex_) = 0;
  std::thread watch_;
};

}  // namespace coffer::fuse
