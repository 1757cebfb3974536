/// Replacements beside disks that do not answer, and replacements that fail (docs/decisions/0012).

#include <atomic>
#include <future>

#include "tests/sim/upkeep_checks.h"

namespace coffer::sim {
namespace {

/// Counts what is asked of one disk while it is armed.
class Watch {
 public:
  Watch(SimulatedMachine& machine, std::string disk) : machine_(machine), disk_(std::move(disk)) {
    machine_.clock().on_operation([this](std::uint64_t, const IoEvent& event) {
      if (armed_ && event.disk == disk_) ++operations_;
      if (event.disk == trigger_disk_ && event.kind == IoKind::ShardList && ++lists_ == 2)
        armed_ = true;
    });
  }
  ~Watch() { machine_.clock().on_operation({}); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void arm() { armed_ = true; }
  /// Once leftovers are looked for on the new disk: the old one is out by then.
  void arm_by(std::string disk) { trigger_disk_ = std::move(disk); }
  [[nodiscard]] bool armed() const { return armed_; }
  [[nodiscard]] int operations() const { return operations_; }

 private:
  SimulatedMachine& machine_;
  const std::string disk_;
  std::string trigger_disk_;
  std::atomic<bool> armed_{false};
  std::atomic<int> lists_{0};
  std::atomic<int> operations_{0};
};

TEST(Replace, NothingIsAskedOfADiskThatWasTakenOut) {
  for (const bool hangs : {false, true}) {
    SCOPED_TRACE(hangs ? "it hangs" : "it is well");
    SimulatedMachine machine({2, 2});
    machine.shard_bytes_max = 1U << 20;
    OpenParameters parameters;
    parameters.volume_deadline = std::chrono::milliseconds(50);
    auto vault = machine.open_with(std::move(parameters), SimulatedMachine::credential());
    ASSERT_TRUE(vault) << vault.error().context;
    Workload work(51);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(work.step(**vault));
    ASSERT_TRUE((*vault)->commit_and_sync());
    const std::size_t old = 1;
    machine.add_disk();
    Watch watch(machine, machine.disk(old).name());
    if (hangs) {
      machine.disk(old).hang();
      for (int i = 0; i < 5; ++i) ASSERT_TRUE(work.step(**vault));
      ASSERT_TRUE((*vault)->commit_and_sync());
      ASSERT_FALSE((*vault)->read_only());
      watch.arm();
    } else {
      watch.arm_by(machine.disk(4).name());
    }
    const auto receipt =
        (*vault)->replace_volume(static_cast<std::uint8_t>(old), machine.session(4), {});
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_TRUE(receipt->whole()) << receipt->unrepaired.front();
    ASSERT_TRUE(watch.armed());
    EXPECT_EQ(watch.operations(), 0);
    EXPECT_TRUE(heal(**vault).whole());
    expect_survives(**vault, 2);
    ASSERT_TRUE((*vault)->close());
    EXPECT_EQ(watch.operations(), 0);
    vault->reset();
    machine.disk(old).release();
  }
}

TEST(Heal, DoesNotWaitForAPlaceThatDoesNotAnswer) {
  SimulatedMachine machine({2, 2});
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  OpenParameters parameters;
  parameters.volume_deadline = std::chrono::milliseconds(50);
  parameters.open_volume = [released](const std::string&) -> Result<std::unique_ptr<Volume>> {
    released.wait();
    return fail(Errc::NotFound);
  };
  auto vault = machine.open_with(std::move(parameters), SimulatedMachine::credential());
  ASSERT_TRUE(vault) << vault.error().context;
  Workload work(52);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(work.step(**vault));
  machine.disk(1).vanish();
  ASSERT_TRUE(work.step(**vault));
  ASSERT_TRUE((*vault)->commit_and_sync());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(heal(**vault).whole()) << "it is away";
  EXPECT_TRUE((*vault)->close());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  release.set_value();
}

TEST(Replace, OneThatTakesNoSuperblockIsReplacedByTheNext) {
  SimulatedMachine machine({2, 2});
  machine.shard_bytes_max = 1U << 20;
  Workload work(53);
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(work.step(**vault));
  machine.add_disk();
  machine.disk(4).faults().add({.kind = IoKind::AreaRename, .path_contains = "superblock"});
  EXPECT_FALSE((*vault)->replace_volume(1, machine.session(4), {}));
  EXPECT_FALSE((*vault)->read_only());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(work.step(**vault));
  machine.add_disk();
  const auto receipt = (*vault)->replace_volume(1, machine.session(5), {});
  ASSERT_TRUE(receipt) << receipt.error().context;
  EXPECT_TRUE(receipt->whole()) << receipt->unrepaired.front();
  ASSERT_TRUE((*vault)->commit_and_sync());
  ASSERT_TRUE((*vault)->commit_and_sync());
  expect_survives(**vault, 2);
  EXPECT_EQ(scrub(**vault).shards_bad, 0U);
  expect_clean(**vault);
  ASSERT_TRUE((*vault)->close());
}

}  // namespace
}  // namespace coffer::sim
