#pragma once
/// StopSignal: why and when a daemon ends: SIGTERM, SIGINT or SIGHUP, an unmount from outside, or a
/// request.
///
/// Made before any other thread, since it blocks the signals for all of them.
///
/// Threads   request() from any thread; wait() from one.

namespace coffer::cli {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void request();
  void wait();

 private:
  int requests_;
  int signals_;
};

}  // namespace coffer::cli
