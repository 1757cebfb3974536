/// Crashes inside an opening, at every operation of it: the next one finds the vault as it was.

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"

namespace coffer::sim {
namespace {

class OpeningCrash : public testing::TestWithParam<Geometry> {};

TEST_P(OpeningCrash, AtAnyOperationLeavesAVaultThatOpens) {
  const std::string content = pattern(50'000, 'o');
  bool opened = false;
  for (std::uint64_t at = 1; at < 1000 && !opened && !HasFailure(); ++at) {
    SCOPED_TRACE("crash at operation " + std::to_string(at));
    SimulatedMachine machine(GetParam());
    const InodeId file = leave_one_file(machine, content);
    machine.clock().crash_at(machine.clock().operations() + at);
    {
      auto vault = machine.open();
      opened = vault && machine.clock().boot() == 0;
    }
    if (at % 2 == 0)
      machine.power_cut(at);
    else
      machine.kill();
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()) == content, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, OpeningCrash, testing::Values(Geometry{1, 0}, Geometry{1, 1}));

}  // namespace
}  // namespace coffer::sim
