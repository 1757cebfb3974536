#pragma once
/// What tests of heal, scrub and replacement ask of a simulated machine.

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "tests/sim/tree_model.h"

namespace coffer::sim {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

inline UpkeepReceipt scrub(VaultService& vault, bool repair = true) {
  UpkeepOptions options;
  options.repair = repair;
  auto receipt = vault.scrub(options);
  EXPECT_TRUE(receipt) << receipt.error().context;
  return receipt.value_or(UpkeepReceipt{});
}

inline UpkeepReceipt heal(VaultService& vault) {
  auto receipt = vault.heal({});
  EXPECT_TRUE(receipt) << receipt.error().context;
  return receipt.value_or(UpkeepReceipt{});
}

inline void expect_survives(VaultService& vault, std::uint32_t losses) {
  const auto status = vault.status();
  ASSERT_TRUE(status) << status.error().context;
  EXPECT_EQ(status->data_losses_survived, losses);
  EXPECT_EQ(status->metadata_losses_survived, losses);
  EXPECT_EQ(status->degraded_stripes, 0U);
  EXPECT_EQ(status->degraded_segments, 0U);
}

inline std::vector<std::string> shards_on(MemoryDisk& disk) {
  std::vector<std::string> found;
  for (const std::string& path : disk.paths()) {
    if (path.ends_with(".shard")) found.push_back(path);
  }
  return found;
}

/// With each choice of `away` volumes gone everything is there.
inline void expect_any_may_go(SimulatedMachine& machine, const Workload& work, std::size_t away) {
  const std::size_t n = machine.disk_count();
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < (away == 2 ? n : a + 2); ++b) {
      SCOPED_TRACE("away: " + std::to_string(a) + (away == 2 ? " and " + std::to_string(b) : ""));
      machine.set_absent(away == 2 ? std::set<std::size_t>{a, b} : std::set<std::size_t>{a});
      auto vault = machine.open_read_only();
      ASSERT_TRUE(vault) << vault.error().context;
      EXPECT_EQ(read_tree((*vault)->tree()) == work.states().back(), true);
    }
  }
  machine.set_absent({});
}

/// The member at `path`, if there is one.
inline std::optional<std::uint8_t> member_at(VaultService& vault, const std::string& path) {
  const auto status = vault.status();
  if (!status) return std::nullopt;
  for (const VolumeStatus& volume : status->volumes)
    if (volume.path == path) return volume.index;
  return std::nullopt;
}

}  // namespace coffer::sim
