// VaultService: space that partly dead segments hold comes back (docs/decisions/0014).
#include <algorithm>
#include <chrono>
#include <thread>

#include "coffer/core/log.h"
#include "coffer/core/thread_priority.h"
#include "vault/upkeep/cleaning.h"
#include "vault/upkeep/pace.h"
#include "vault/vault_service.h"

namespace coffer {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// Below the first share free, segments are cleaned before writers have to wait for it, until the second is.
constexpr std::uint64_t kShortDivisor = 20;
// With room enough only what is mostly dead is moved, and only once much is.
constexpr double kMuchDead = 0.4;
constexpr double kMostlyDead = 0.5;
// While somebody waits: little enough that he does not wait long.
constexpr std::uint64_t kRoundBytesInNeed = 16 * kMiB;
constexpr std::uint64_t kBytesPerSecond = 100 * kMiB;

/// Lets others go first: after some work it rests twice as long as that took, if others worked meanwhile.
class Rest {
 public:
  explicit Rest(const SegmentStore& segments) : segments_(segments), traffic_(traffic()) {}

  void after_batch() {
    constexpr std::chrono::milliseconds kLongest{2'000};
    const std::uint64_t now = traffic();
    const auto worked = std::chrono::steady_clock::now() - since_;
    if (now != traffic_)
      std::this_thread::sleep_for(
          std::min<std::chrono::steady_clock::duration>(2 * worked, kLongest));
    traffic_ = traffic();
    since_ = std::chrono::steady_clock::now();
  }

 private:
  /// Grows with what others write, and read by small pieces.
  [[nodiscard]] std::uint64_t traffic() const {
    const SegmentStore::Stats stats = segments_.stats();
    return stats.plain_bytes_appended - stats.survivor_bytes_appended + stats.cache_hits +
           stats.cache_misses;
  }

  const SegmentStore& segments_;
  std::uint64_t traffic_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

Result<void> stopped(const UpkeepTurn& turn) {
  if (!turn.stop().load(std::memory_order_acquire)) return {};
  return fail(Errc::Cancelled, "stopped; what is done stays done");
}

}  // namespace

Result<CleaningReceipt> VaultService::clean(const UpkeepOptions& options) {
  if (read_only_.load()) return fail(Errc::ReadOnly, "the vault is read-only");
  COFFER_ASSIGN(const auto turn, cleaning_commands_.take(UpkeepTurn::Who::Command));
  // A file without room for what is pending is what this may help.
  if (auto committed = commit_and_sync(); !committed && committed.error().code != Errc::NoSpace)
    return fail(std::move(committed).error());
  COFFER_TRY(segments_->seal_open());
  COFFER_TRY(sync());
  CleaningReceipt receipt;
  const Cleaning::Use before = cleaning_->use();
  receipt.dead_bytes_before = before.dead_bytes;
  Pace pace(options, cleaning_commands_.stop());
  pace.expect(before.stored_bytes - before.dead_bytes);
  Cleaning::Wish wish;
  wish.owners = CleaningRound::Owners::AllExtents;
  // What is written from here on, the survivors among it, is left for the next time.
  for (const auto& [id, live] : ledger_->live_by_segment()) wish.newest = id;
  const CleaningPace paces{[&] { return stopped(cleaning_commands_); },
                           [&](std::uint64_t bytes) {
                             return cleaning_->turn().awaited() ? Result<void>() : pace.step(bytes);
                           }};
  for (;;) {
    COFFER_ASSIGN(const Cleaning::Outcome outcome, cleaning_->round(wish, receipt, paces));
    if (outcome == Cleaning::Outcome::KeptOut) return fail(Errc::Busy, "fsck is running");
    if (outcome == Cleaning::Outcome::Nothing) break;
  }
  receipt.dead_bytes_after = cleaning_->use().dead_bytes;
  return receipt;
}

/// Somebody found no room, and nothing that was deleted comes back. False: it would be in vain.
bool VaultService::clean_for_room() {
  if (!cleaning_ || read_only_.load() || cleaning_->exhausted()) return false;
  Cleaning::Wish wish;
  wish.live_bytes = kRoundBytesInNeed;
  CleaningReceipt receipt;
  const CleaningPace at_once{[] { return Result<void>(); },
                             [](std::uint64_t) { return Result<void>(); }};
  const auto round = [&] {
    auto done = cleaning_->round(wish, receipt, at_once);
    while (done && *done == Cleaning::Outcome::InVain)
      done = cleaning_->round(wish, receipt, at_once);
    return done;
  };
  auto done = round();
  // Segments that are full count as written to until a sync.
  if (done && *done == Cleaning::Outcome::Nothing && sync()) done = round();
  if (!done) log_warning("cleaning for room: {}", done.error().context);
  return done && (*done == Cleaning::Outcome::Freed || *done == Cleaning::Outcome::AnotherRan);
}

bool VaultService::space_is_short() {
  const auto now = space();
  return now && now->bytes_available < now->bytes_total / kShortDivisor;
}

bool VaultService::all_volumes_current() const {
  const Superblock configuration = configuration_->current();
  return std::ranges::all_of(configuration.members, [&](const Member& member) {
    return member.state == MemberState::Replaced || volumes_.writable(member.index) != nullptr;
  });
}

void VaultService::background_cleaning() {
  if (read_only_.load()) return;
  lower_this_threads_priority();
  const bool in_need = space_is_short();
  // Copies made while a volume is away would have fewer shards than there are once it is back.
  if (!in_need && (!all_volumes_current() || cleaning_->use().dead_share() < kMuchDead)) return;
  if (in_need && cleaning_->exhausted()) return;
  const auto turn = cleaning_commands_.take(UpkeepTurn::Who::Background);
  if (!turn) return;
  UpkeepOptions options;
  options.bytes_per_second = in_need ? 0 : kBytesPerSecond;
  Pace pace(options, cleaning_commands_.stop());
  Rest rest(*segments_);
  Cleaning::Wish wish;
  if (in_need) {
    wish.live_bytes = kRoundBytesInNeed;
  } else {
    wish.dead_share_min = kMostlyDead;
    wish.dead_bytes_min = kMiB;
  }
  const CleaningPace paces{[&] { return stopped(cleaning_commands_); },
                           [&](std::uint64_t bytes) {
                             if (cleaning_->turn().awaited()) return Result<void>();
                             if (!in_need) rest.after_batch();
                             return pace.step(bytes);
                           }};
  CleaningReceipt receipt;
  for (;;) {
    const auto done = cleaning_->round(wish, receipt, paces);
    if (!done && done.error().code != Errc::Cancelled)
      log_warning("cleaning in the background: {}", done.error().context);
    if (done && *done == Cleaning::Outcome::InVain) continue;
    if (!done || *done != Cleaning::Outcome::Freed) break;
    if (in_need ? !space_is_short() : cleaning_->use().dead_share() < kMuchDead) break;
  }
  if (receipt.segments_freed > 0)
    log_debug("cleaned: {} segments freed, {} bytes moved", receipt.segments_freed,
              receipt.bytes_moved);
}

}  // namespace coffer
