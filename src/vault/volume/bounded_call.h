#pragma once
/// call_bounded: something that may block for ever, like a look at a disk that does not answer, and a caller that waits no longer
/// than that.
///
/// What takes longer is abandoned: it goes on upon its own thread, and what it captured and its late result are destroyed there. So
/// it owns all that it uses.
/// Errors    TimedOut, and its own.

#include <thread>
#include <utility>

#include "vault/volume/io_wait.h"

namespace coffer {

template <typename T, typename Work>
Result<T> call_bounded(std::chrono::milliseconds deadline, Work work) {
  IoWait<T> wait;
  std::thread([work = std::move(work), done = wait.completion()] { done(work()); }).detach();
  return wait.wait(deadline);
}

}  // namespace coffer
