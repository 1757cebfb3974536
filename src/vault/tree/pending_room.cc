#include "vault/tree/pending_room.h"

#include <algorithm>

namespace coffer {
namespace {
// Asking the volumes for every small write would cost more than the write.
constexpr std::uint64_t kCreditMax = std::uint64_t{4} << 20;
}  // namespace

Result<void> PendingRoom::admit(std::uint64_t bytes) {
  const auto wanted = static_cast<std::int64_t>(bytes);
  if (credit_.fetch_sub(wanted, std::memory_order_relaxed) >= wanted) return {};
  COFFER_ASSIGN(const std::uint64_t room, measure_());
  const std::uint64_t taken = held() + bytes;
  if (taken > room) {
    credit_.store(0, std::memory_order_relaxed);
    return fail(Errc::NoSpace, "the volumes are full but for the reserve");
  }
  // Less of it the nearer the end is: others use up the room meanwhile.
  credit_.store(static_cast<std::int64_t>(std::min((room - taken) / 8, kCreditMax)),
                std::memory_order_relaxed);
  return {};
}

}  // namespace coffer
