/// The whole vault over simulated disks, crashed at many I/O operations of a workload (docs/architecture.md, "Invariants", invariants 1, 2, 5, 7, 14).
///
/// COFFER_TEST_SEED=<n> replays one seed; COFFER_SIM_POINTS=<n> sets how many crash points each case takes. Ciphers take turns.

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <set>

#include "tests/sim/simulated_machine.h"
#include "tests/sim/tree_model.h"

namespace coffer::sim {
namespace {

enum class Crash { PowerCut, Kill };

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Runs `steps` operations or until the machine stops.
void run(VaultService& vault, Workload& work, unsigned steps) {
  for (unsigned i = 0; i < steps; ++i) {
    if (!work.step(vault)) return;
  }
}

std::string difference(const TreeState& a, const TreeState& b) {
  std::string text;
  for (const auto& [path, content] : a) {
    const auto other = b.find(path);
    if (other == b.end())
      text += " -" + path;
    else if (other->second != content) {
      text += " ~" + path + "(" + std::to_string(content.size()) + " vs " +
              std::to_string(other->second.size());
      if (other->second.starts_with("<")) text += " " + other->second.substr(0, 80);
      text += ")";
    }
  }
  for (const auto& [path, content] : b) {
    if (!a.contains(path)) text += " +" + path;
  }
  return text;
}

void expect_prefix(const TreeState& found, const Workload& work, std::size_t from) {
  const auto& states = work.states();
  for (std::size_t i = from; i < states.size(); ++i) {
    if (found == states[i]) return;
  }
  if (work.under_way() && found == *work.under_way()) return;
  ADD_FAILURE() << "recovered state is none of the allowed ones (" << from << ".."
                << states.size() - 1 << "); against the last:" << difference(states.back(), found)
                << "; against the synced one:" << difference(states[from], found);
}

void expect_clean(VaultService& vault) {
  FsckOptions options;
  options.verify_data = true;
  const auto report = vault.fsck(options);
  ASSERT_TRUE(report) << report.error().context;
  for (const std::string& problem : report->problems) ADD_FAILURE() << "fsck: " << problem;
}

struct CrashPoint {
  Geometry geometry;
  CipherId cipher;
  Crash how;
  std::uint64_t seed;
  unsigned steps;
  std::uint64_t at;  // the I/O operation, counted from the first one of the workload
};

std::uint64_t operations_of(Geometry geometry, std::uint64_t seed, unsigned steps) {
  SimulatedMachine machine(geometry);
  auto vault = machine.open();
  EXPECT_TRUE(vault) << vault.error().context;
  if (!vault) return 0;
  const std::uint64_t before = machine.clock().operations();
  Workload work(seed);
  run(**vault, work, steps);
  return machine.clock().operations() - before;
}

/// The machine as it is after the crash, with the workload that ran into it.
void run_into(SimulatedMachine& machine, Workload& work, const CrashPoint& point) {
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  machine.clock().crash_at(machine.clock().operations() + point.at);
  run(**vault, work, point.steps);
  if (point.how == Crash::PowerCut)
    machine.power_cut(point.seed + point.at);
  else
    machine.kill();
}

void crash_once(const CrashPoint& point) {
  SCOPED_TRACE(std::to_string(point.geometry.k) + "+" + std::to_string(point.geometry.m) +
               (point.cipher == CipherId::Aes256Gcm ? " AES" : " XChaCha20") + " seed " +
               std::to_string(point.seed) + " crash at operation " + std::to_string(point.at));
  SimulatedMachine machine(point.geometry, point.cipher);
  Workload work(point.seed);
  run_into(machine, work, point);
  if (testing::Test::HasFatalFailure()) return;
  // kill -9 loses nothing that was answered; a power cut nothing that was synced.
  const std::size_t promised = point.how == Crash::Kill ? work.states().size() - 1 : work.synced();

  // Crash, mount, then a power cut without further writes: still intact. Every other time nothing is read in between, which could
  // have made durable what the opening left pending.
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  std::optional<TreeState> found;
  if (point.at % 2 == 0) {
    found = read_tree((*vault)->tree());
    expect_prefix(*found, work, promised);
    expect_clean(**vault);
  }
  machine.power_cut(point.seed + point.at + 1);
  vault->reset();
  auto again = machine.open();
  ASSERT_TRUE(again) << again.error().context;
  const TreeState later = read_tree((*again)->tree());
  expect_prefix(later, work, promised);
  EXPECT_EQ(!found || later == *found, true) << difference(*found, later);
  expect_clean(**again);
}

class CrashTest : public testing::TestWithParam<std::tuple<Geometry, Crash>> {};

TEST_P(CrashTest, WhatWasPromisedIsThereAfterACrashAtAnyOperation) {
  const auto [geometry, how] = GetParam();
  const std::uint64_t points = number_from("COFFER_SIM_POINTS", 12);
  const std::uint64_t seed = number_from("COFFER_TEST_SEED", 1);
  constexpr unsigned kSteps = 40;
  const std::uint64_t operations = operations_of(geometry, seed, kSteps);
  ASSERT_GT(operations, 50U);
  for (std::uint64_t i = 1; i <= points && !HasFailure(); ++i) {
    const CipherId cipher = i % 2 == 0 ? CipherId::Aes256Gcm : CipherId::XChaCha20Poly1305;
    crash_once({geometry, cipher, how, seed + i % 3, kSteps, 1 + operations * i / points});
  }
}

INSTANTIATE_TEST_SUITE_P(Geometries, CrashTest,
                         testing::Combine(testing::Values(Geometry{1, 0}, Geometry{1, 1},
                                                          Geometry{2, 2}, Geometry{4, 2}),
                                          testing::Values(Crash::PowerCut, Crash::Kill)));

TEST(Simulation, CleanCloseAndOpenKeepsEverything) {
  SimulatedMachine machine({2, 1});
  Workload work(7);
  for (int round = 0; round < 3; ++round) {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    if (round > 0) {
      const TreeState found = read_tree((*vault)->tree());
      EXPECT_EQ(found == work.states().back(), true) << difference(work.states().back(), found);
    }
    run(**vault, work, 40);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
  }
}

TEST(Simulation, NoKeyAndNonceSealTwiceAcrossCrashes) {
  SimulatedMachine machine({2, 1});
  std::mutex mutex;
  std::set<std::pair<Uuid, std::uint32_t>> sealed;
  std::size_t twice = 0;
  machine.on_seal = [&](SegmentUid segment, std::uint32_t ordinal) {
    const std::lock_guard lock(mutex);
    if (!sealed.emplace(segment.value(), ordinal).second) ++twice;
  };
  Workload work(3);
  for (int round = 0; round < 4; ++round) {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    run(**vault, work, 25);
    machine.kill();
  }
  EXPECT_GT(sealed.size(), 50U);
  EXPECT_EQ(twice, 0U);
}

TEST(Simulation, AnyTwoVolumesMayBeAwayAndComeBack) {
  SimulatedMachine machine({4, 2});
  Workload work(11);
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    run(**vault, work, 40);
    ASSERT_TRUE((*vault)->close());
  }
  for (std::size_t a = 0; a < 6; ++a) {
    const std::size_t b = (a + 1 + a % 4) % 6;
    if (a == b) continue;
    SCOPED_TRACE("away: " + std::to_string(a) + " and " + std::to_string(b));
    machine.set_absent({a, b});
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    ASSERT_FALSE((*vault)->read_only());
    TreeState found = read_tree((*vault)->tree());
    ASSERT_EQ(found == work.states().back(), true) << difference(work.states().back(), found);
    run(**vault, work, 15);
    expect_clean(**vault);
    ASSERT_TRUE((*vault)->close());
    vault->reset();

    machine.set_absent({});
    auto whole = machine.open();
    ASSERT_TRUE(whole) << whole.error().context;
    found = read_tree((*whole)->tree());
    ASSERT_EQ(found == work.states().back(), true) << difference(work.states().back(), found);
    expect_clean(**whole);
    ASSERT_TRUE((*whole)->close());
  }
}

TEST(Simulation, ThreeVolumesAwayIsRefusedAndChangesNothing) {
  SimulatedMachine machine({4, 2});
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    ASSERT_TRUE((*vault)->close());
  }
  const auto contents = [&] {
    std::map<std::string, std::string> all;
    for (std::size_t i = 0; i < machine.disk_count(); ++i) {
      for (const std::string& path : machine.disk(i).paths()) {
        all[std::to_string(i) + "/" + path] = machine.disk(i).content(path).value_or("");
      }
    }
    return all;
  };
  const auto before = contents();
  machine.set_absent({0, 2, 5});
  const auto vault = machine.open();
  ASSERT_FALSE(vault);
  EXPECT_EQ(vault.error().code, Errc::NotEnoughVolumes);
  EXPECT_EQ(contents() == before, true);
}

TEST(Simulation, PlaintextIsOnNoDisk) {
  SimulatedMachine machine({2, 1});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  const std::string name = "canaryname-7f3a";
  const std::string content = "canarycontent-91c2-" + std::string(100'000, 'z');
  const auto made = (*vault)->tree().make_node(kRootInode, name, NewNode{});
  ASSERT_TRUE(made);
  ASSERT_TRUE((*vault)->tree().write(made->inode, 0, as_bytes(content)));
  ASSERT_TRUE((*vault)->tree().set_xattr(made->inode, "user.canary", as_bytes("canaryvalue-55"),
                                         XattrMode::Any));
  ASSERT_TRUE((*vault)->tree().sync_all());
  ASSERT_TRUE((*vault)->close());
  for (std::size_t i = 0; i < machine.disk_count(); ++i) {
    for (const std::string& path : machine.disk(i).paths()) {
      const std::string bytes = machine.disk(i).content(path).value_or("");
      EXPECT_EQ(bytes.find("canary"), std::string::npos) << path;
      EXPECT_EQ(bytes.find("zzzzzzzz"), std::string::npos) << path;
      EXPECT_EQ(path.find("canary"), std::string::npos) << path;
    }
  }
}

TEST(Simulation, WrongPassphraseIsToldApart) {
  SimulatedMachine machine({1, 0});
  Credential wrong;
  wrong.secret = SecretString("wrong");
  OpenParameters parameters;
  parameters.state_directory = "-";
  const auto vault = VaultService::open(machine.volumes(), parameters, wrong);
  ASSERT_FALSE(vault);
  EXPECT_EQ(vault.error().code, Errc::WrongKey);
}

}  // namespace
}  // namespace coffer::sim
