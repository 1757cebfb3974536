#pragma once
/// LifecycleRunner: does what the buckets' lifecycle rules ask for, in the background.
///
///   every hour (a day's 24th part) ──► each bucket with rules ──► its versions, page by page ──► its uploads
///
/// What it removes it removes as a client would, so object lock holds against it; a current version goes only while it is the one that was
/// judged. It keeps nothing between passes: one that was cut short is made up for by the next.
///
/// Borrows   the service, which outlives it.
/// Threads   run_once() from one thread at a time; stop() from any, and waits for a pass under way.
/// Errors    are logged; a pass goes on with the next bucket.

#include <atomic>
#include <memory>

#include "coffer/core/periodic_task.h"
#include "gateway/s3/call.h"

namespace coffer::gateway {

class LifecycleRunner {
 public:
  explicit LifecycleRunner(S3Service& service) : service_(service) {}
  ~LifecycleRunner() { stop(); }
  LifecycleRunner(const LifecycleRunner&) = delete;
  LifecycleRunner& operator=(const LifecycleRunner&) = delete;

  /// Runs from now on.
  void start();
  void stop();
  /// One pass, as of `now`.
  void run_once(std::int64_t now_unix_s);

 private:
  S3Service& service_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<PeriodicTask> task_;
};

}  // namespace coffer::gateway
