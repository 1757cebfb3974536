/// A crash at the operations of a round of cleaning: what was synced before is there, also with as many volumes gone as there is
/// parity, and the round can be run again (docs/decisions/0014, "Crashes").
///
/// COFFER_SIM_POINTS=<n> sets how many crash points each case takes; 0: every operation.

#include <algorithm>
#include <cstdlib>

#include "tests/sim/file_model.h"
#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "vault/upkeep/cleaning.h"

namespace coffer::sim {
namespace {

enum class Crash { PowerCut, Kill };

std::uint64_t points_wanted(std::uint64_t otherwise) {
  const char* text = std::getenv("COFFER_SIM_POINTS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Cleaning::Wish everything() {
  Cleaning::Wish wish;
  wish.dead_share_min = 0;
  wish.dead_bytes_min = 1;
  return wish;
}

Result<void> clean(VaultService& vault) {
  CleaningReceipt receipt;
  COFFER_TRY(vault.cleaning().round(
      everything(), receipt,
      {[] { return Result<void>(); }, [](std::uint64_t) { return Result<void>(); }}));
  return {};
}

/// A vault whose segments are partly dead; everything is synced.
void prepare(VaultService& vault, FileModel& model) {
  model.largest = 150'000;
  for (int i = 0; i < 45; ++i) ASSERT_TRUE(model.step());
  ASSERT_TRUE(vault.commit_and_sync());
  ASSERT_TRUE(vault.segments().seal_open());
  ASSERT_TRUE(vault.commit_and_sync());
}

void expect_whole(VaultService& vault) {
  FsckOptions options;
  options.verify_data = true;
  const auto report = vault.fsck(options);
  ASSERT_TRUE(report) << report.error().context;
  for (const std::string& problem : report->problems) ADD_FAILURE() << "fsck: " << problem;
}

class CleanCrashTest : public testing::TestWithParam<std::tuple<Geometry, Crash>> {
 protected:
  void crash_once(std::uint64_t at) {
    const auto [geometry, how] = GetParam();
    SimulatedMachine machine(geometry);
    machine.shard_bytes_max = 1U << 20;
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    FileModel model(**vault, 11);
    prepare(**vault, model);
    machine.clock().crash_at(machine.clock().operations() + at);
    static_cast<void>(clean(**vault));
    how == Crash::PowerCut ? machine.power_cut(at) : machine.kill();
    vault->reset();
    // As many volumes gone as there is parity: nothing that was synced may hang on them.
    std::set<std::size_t> away;
    for (std::size_t i = 0; i < geometry.m; ++i) away.insert((at + i) % machine.disk_count());
    machine.set_absent(away);
    {
      auto looking = machine.open_read_only();
      ASSERT_TRUE(looking) << looking.error().context;
      model.moved_to(**looking);
      EXPECT_EQ(model.difference(), "");
    }
    machine.set_absent({});
    auto again = machine.open();
    ASSERT_TRUE(again) << again.error().context;
    model.moved_to(**again);
    EXPECT_EQ(model.difference(), "");
    expect_whole(**again);
    // Segments that got copies alone are gone for good, rows and all.
    EXPECT_TRUE((*again)->commit_and_sync());
    EXPECT_TRUE((*again)->commit_and_sync());
    EXPECT_EQ((*again)->status()->segments, (*again)->ledger().live_by_segment().size());
    const auto cleaned = clean(**again);
    EXPECT_TRUE(cleaned) << cleaned.error().context;
    EXPECT_EQ(model.difference(), "");
    expect_whole(**again);
    EXPECT_TRUE((*again)->close());
  }
};

TEST_P(CleanCrashTest, AtAnyOperationNothingThatWasSyncedIsLost) {
  std::uint64_t operations = 0;
  {
    SimulatedMachine machine(std::get<0>(GetParam()));
    machine.shard_bytes_max = 1U << 20;
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    FileModel model(**vault, 11);
    prepare(**vault, model);
    const std::uint64_t begin = machine.clock().operations();
    ASSERT_TRUE(clean(**vault));
    operations = machine.clock().operations() - begin;
  }
  ASSERT_GT(operations, 30U);
  std::uint64_t points = points_wanted(12);
  if (points == 0) points = operations;
  for (std::uint64_t i = 1; i <= points && !HasFailure(); ++i) {
    const std::uint64_t at = 1 + (operations - 1) * i / points;
    SCOPED_TRACE("crash at operation " + std::to_string(at) + " of " + std::to_string(operations));
    crash_once(at);
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, CleanCrashTest,
                         testing::Combine(testing::Values(Geometry{1, 0}, Geometry{1, 1},
                                                          Geometry{4, 2}),
                                          testing::Values(Crash::PowerCut, Crash::Kill)));

}  // namespace
}  // namespace coffer::sim
