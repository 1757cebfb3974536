#include "cli/open_vault.h"

#include <chrono>
#include <thread>

namespace coffer::cli {

namespace {

/// Less than the opening watches a volume that another machine may have: that Busy is not asked for again.
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::milliseconds kPause{50};

}  // namespace

Result<std::unique_ptr<Vault>> open_vault(const OpenOptions& open, const Credential& credential) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + kPatience;
  for (;;) {
    auto vault = Vault::open(open, credential);
    if (vault || vault.error().code != Errc::Busy || Clock::now() >= deadline) return vault;
    std::this_thread::sleep_for(kPause);  // the one who closes it tells nobody when it has
  }
}

}  // namespace coffer::cli
