#include "vault/upkeep/pace.h"

#include <algorithm>
#include <thread>

namespace coffer {

Result<void> Pace::step(std::uint64_t bytes) {
  constexpr std::chrono::milliseconds kNap{100};
  done_ += bytes;
  if (const auto now = std::chrono::steady_clock::now(); options_.progress && now >= next_report_) {
    next_report_ = now + kNap;
    if (!options_.progress(done_, std::max(total_, done_)))
      return fail(Errc::Cancelled, "stopped; what is done stays done");
  }
  for (;;) {
    if (stop_.load(std::memory_order_acquire))
      return fail(Errc::Cancelled, "stopped; what is done stays done");
    if (options_.bytes_per_second == 0) return {};
    const auto spent = std::chrono::steady_clock::now() - start_;
    const auto due = std::chrono::duration<double>(static_cast<double>(done_) /
                                                   static_cast<double>(options_.bytes_per_second));
    if (spent >= due) return {};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - spent);
    std::this_thread::sleep_for(std::clamp(left, std::chrono::milliseconds(1), kNap));
  }
}

}  // namespace coffer
