/// Changes of the key slots over simulated disks: crashes, failing and returning volumes, and what somebody may do to the files.

#include <algorithm>
#include <array>
#include <map>

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"
#include "vault/crypto/key_store.h"
#include "vault/volume/superblock.h"

namespace coffer::sim {
namespace {

Credential passphrase(std::string_view text) { return {SlotKind::Passphrase, SecretString(text)}; }
enum class Opens { Yes, No, Otherwise };
Opens opens(SimulatedMachine& machine, const Credential& credential) {
  const auto vault = machine.open(credential);
  if (vault) return (*vault)->close() ? Opens::Yes : Opens::Otherwise;
  EXPECT_EQ(vault.error().code, Errc::WrongKey) << vault.error().context;
  return vault.error().code == Errc::WrongKey ? Opens::No : Opens::Otherwise;
}

/// The machine's vault with a second passphrase, "removable", in slot 1.
void add_removable(SimulatedMachine& machine) {
  auto vault = machine.open();
  ASSERT_TRUE(vault) << vault.error().context;
  const auto added = (*vault)->keys().add(SimulatedMachine::credential(), passphrase("removable"),
                                          kKdfCostMinimum);
  ASSERT_TRUE(added) << added.error().context;
  EXPECT_EQ(added->slot.id, SlotId(1));
  EXPECT_TRUE(added->old_copies.empty());
  ASSERT_TRUE((*vault)->close());
}

Result<KeySlotChange> remove_it(VaultService& vault) {
  return vault.keys().remove(SimulatedMachine::credential(), SlotId(1));
}
Result<KeySlotChange> add_new(VaultService& vault) {
  return vault.keys().add(SimulatedMachine::credential(), passphrase("new"), kKdfCostMinimum);
}

/// All files of all disks whose name begins with keyslots.
std::map<std::string, std::string> key_files(SimulatedMachine& machine) {
  std::map<std::string, std::string> files;
  for (std::size_t i = 0; i < machine.disk_count(); ++i) {
    for (const std::string& path : machine.disk(i).paths()) {
      if (path.starts_with("keyslots."))
        files[std::to_string(i) + "/" + path] = machine.disk(i).content(path).value_or("");
    }
  }
  return files;
}

TEST(KeySlots, EachKindOpensTheVaultUntilItsSlotIsRemoved) {
  SimulatedMachine machine({2, 1});
  const Credential recovery = make_recovery_key();
  const Credential file{SlotKind::KeyFile, SecretString("content of a file")};
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    VaultKeys& keys = (*vault)->keys();
    ASSERT_TRUE(keys.add(SimulatedMachine::credential(), recovery, kKdfCostMinimum));
    ASSERT_TRUE(keys.add(recovery, file, kKdfCostMinimum)) << "the one just added opens";
    EXPECT_EQ(keys.add(passphrase("wrong"), passphrase("x"), kKdfCostMinimum).error().code,
              Errc::WrongKey);
    EXPECT_EQ(keys.remove(passphrase("wrong"), SlotId(1)).error().code, Errc::WrongKey);
    EXPECT_EQ(keys.remove(file, SlotId(9)).error().code, Errc::NotFound);
    const auto listed = keys.list();
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 3U);
    EXPECT_EQ((*listed)[1].kind, SlotKind::Recovery);
    EXPECT_EQ((*listed)[2].kind, SlotKind::KeyFile);
    ASSERT_TRUE((*vault)->close());
  }
  EXPECT_EQ(opens(machine, recovery), Opens::Yes);
  EXPECT_EQ(opens(machine, file), Opens::Yes);
  {
    auto vault = machine.open(recovery);
    ASSERT_TRUE(vault);
    ASSERT_TRUE((*vault)->keys().remove(recovery, SlotId(0)));
    ASSERT_TRUE((*vault)->keys().remove(recovery, SlotId(2)));
    EXPECT_EQ((*vault)->keys().remove(recovery, SlotId(1)).error().code, Errc::InvalidArgument)
        << "the last one stays";
    ASSERT_TRUE((*vault)->close());
  }
  EXPECT_EQ(opens(machine, recovery), Opens::Yes);
  EXPECT_EQ(opens(machine, file), Opens::No);
  EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::No);
}

TEST(KeySlots, NothingOfARemovedSlotStaysOnAnyVolume) {
  SimulatedMachine machine({2, 2});
  add_removable(machine);
  const std::string before = key_files(machine).begin()->second;
  const std::string slot = before.substr(40 + crypto::kSlotBytes, crypto::kSlotBytes);
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  ASSERT_TRUE(remove_it(**vault));
  for (const auto& [path, bytes] : key_files(machine)) {
    EXPECT_EQ(bytes.find(slot.substr(24, 16)), std::string::npos) << path << " has its salt";
  }
}

/// Whether the key store that the disk's superblock names is on that disk.
bool holds_what_it_names(SimulatedMachine& machine, std::size_t disk) {
  const auto content = [&](std::string_view path) {
    return machine.disk(disk).content(path).value_or("");
  };
  const std::string copies[] = {content("superblock.0"), content("superblock.1")};
  const auto chosen = choose_copy(as_bytes(copies[0]), as_bytes(copies[1]));
  return chosen &&
         std::ranges::any_of(std::array{"keyslots.0", "keyslots.1"}, [&](const char* name) {
           return crypto::digest(as_bytes(content(name))) == chosen->superblock.key_store_digest;
         });
}

// ---- crashes

using Change = Result<KeySlotChange> (*)(VaultService&);
struct CrashCase {
  const char* name;
  Geometry geometry;
  Change change;
  const char* secret;  // of the slot that comes or goes
  bool opens_before;
};

std::uint64_t operations_of(const CrashCase& tried) {
  SimulatedMachine machine(tried.geometry);
  add_removable(machine);
  auto vault = machine.open();
  EXPECT_TRUE(vault);
  const std::uint64_t before = machine.clock().operations();
  EXPECT_TRUE(tried.change(**vault));
  return machine.clock().operations() - before;
}

class KeySlotsCrash : public testing::TestWithParam<CrashCase> {};

TEST_P(KeySlotsCrash, LeavesTheOldSetOrTheNewOneWhicheverVolumesAreLost) {
  const CrashCase& tried = GetParam();
  const std::uint64_t operations = operations_of(tried);
  ASSERT_GT(operations, 8U * tried.geometry.volumes());
  for (std::uint64_t at = 1; at <= operations + 1 && !HasFailure(); ++at) {
    SCOPED_TRACE("crash at operation " + std::to_string(at) + " of " + std::to_string(operations));
    SimulatedMachine machine(tried.geometry);
    const std::string content = pattern(50'000, 'k');
    const InodeId file = leave_one_file(machine, content);
    add_removable(machine);
    bool answered = false;
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault) << vault.error().context;
      machine.clock().crash_at(machine.clock().operations() + at);
      answered = tried.change(**vault).has_value();
      if (at % 2 == 0)
        machine.power_cut(at);
      else
        machine.kill();
    }
    for (std::size_t i = 0; i < machine.disk_count(); ++i)
      EXPECT_TRUE(holds_what_it_names(machine, i)) << "volume " << i;
    // What an opening without some volumes finds holds for all of them from then on.
    if (tried.geometry.m > 0) machine.set_absent({at % tried.geometry.volumes()});
    const Opens found = opens(machine, passphrase(tried.secret));
    EXPECT_NE(found, Opens::Otherwise);
    if (answered) {
      EXPECT_EQ(found, tried.opens_before ? Opens::No : Opens::Yes);
    }
    EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::Yes);
    machine.set_absent({});
    EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::Yes);
    EXPECT_EQ(opens(machine, passphrase(tried.secret)), found) << "the set changed by itself";
    if (tried.geometry.m > 0) machine.set_absent({(at + 1) % tried.geometry.volumes()});
    EXPECT_EQ(opens(machine, passphrase(tried.secret)), found);
    auto vault = machine.open();
    ASSERT_TRUE(vault) << vault.error().context;
    EXPECT_EQ(read_back((*vault)->tree(), file, 0, content.size()) == content, true);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Changes, KeySlotsCrash,
    testing::Values(CrashCase{"add_1_0", {1, 0}, add_new, "new", false},
                    CrashCase{"remove_1_0", {1, 0}, remove_it, "removable", true},
                    CrashCase{"add_1_1", {1, 1}, add_new, "new", false},
                    CrashCase{"remove_1_1", {1, 1}, remove_it, "removable", true},
                    CrashCase{"remove_2_1", {2, 1}, remove_it, "removable", true}),
    [](const auto& tried) { return tried.param.name; });

TEST(KeySlots, AVolumeThatComesBackHoldsThemBeforeItCounts) {
  // Its return is cut short at every operation; the volume that knew the change could be lost right then.
  bool came_back = false;
  for (std::uint64_t at = 1; at < 1000 && !came_back && !testing::Test::HasFailure(); ++at) {
    SCOPED_TRACE("crash at operation " + std::to_string(at));
    SimulatedMachine machine({1, 1});
    leave_one_file(machine, "so that this machine knows the vault");
    machine.set_absent({1});
    {
      auto vault = machine.open();
      ASSERT_TRUE(vault);
      const auto added = add_new(**vault);
      ASSERT_TRUE(added) << added.error().context;
      EXPECT_EQ(added->old_copies.size(), 1U) << "the volume that is away is named";
      ASSERT_TRUE((*vault)->close());
    }
    machine.set_absent({});
    machine.clock().crash_at(machine.clock().operations() + at);
    {
      auto vault = machine.open();
      // A crash while the disks were being opened leaves an opening with one of them.
      came_back = vault && (*vault)->status()->data_losses_survived == 1;
    }
    machine.kill();
    EXPECT_TRUE(holds_what_it_names(machine, 1));
  }
  EXPECT_TRUE(came_back);
}

// ---- faults

TEST(KeySlots, AVolumeThatFailsUnderTheChangeIsLeftOut) {
  SimulatedMachine machine({2, 1});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  machine.disk(1).faults().add({.kind = IoKind::AreaSync,
                                .path_contains = "keyslots",
                                .effect = FaultEffect::Io,
                                .repeat = Fault::Repeat::Forever});
  const auto added = add_new(**vault);
  ASSERT_TRUE(added) << added.error().context;
  EXPECT_FALSE((*vault)->read_only());
  EXPECT_EQ(added->old_copies.size(), 1U);
  EXPECT_EQ((*vault)->status()->volumes[1].state, "absent");
}

TEST(KeySlots, WithoutRoomForThemNothingChanges) {
  SimulatedMachine machine({1, 1});
  auto vault = machine.open();
  ASSERT_TRUE(vault);
  machine.disk(1).faults().add({.kind = IoKind::AreaAppend,
                                .path_contains = "keyslots",
                                .effect = FaultEffect::NoSpace,
                                .repeat = Fault::Repeat::Forever});
  EXPECT_EQ(add_new(**vault).error().code, Errc::NoSpace);
  EXPECT_FALSE((*vault)->read_only());
  EXPECT_EQ((*vault)->keys().list()->size(), 1U);
  machine.disk(1).faults().clear();
  ASSERT_TRUE(add_new(**vault)) << "there is room again";
  ASSERT_TRUE((*vault)->close());
  vault->reset();
  EXPECT_EQ(opens(machine, passphrase("new")), Opens::Yes);
}

TEST(KeySlots, WithTooFewVolumesLeftTheVaultStopsAndTheNextOpeningDecides) {
  SimulatedMachine machine({2, 1});
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    for (const std::size_t disk : {1U, 2U})
      machine.disk(disk).faults().add(
          {.kind = IoKind::AreaCreate, .path_contains = "keyslots", .effect = FaultEffect::Vanish});
    EXPECT_FALSE(add_new(**vault));
    EXPECT_TRUE((*vault)->read_only());
  }
  for (const std::size_t disk : {1U, 2U}) machine.disk(disk).reappear();
  EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::Yes);
  EXPECT_NE(opens(machine, passphrase("new")), Opens::Otherwise);
}

// ---- what somebody may do to the files

void put_key_files(SimulatedMachine& machine, std::size_t disk, const std::string& bytes) {
  for (const char* name : {"keyslots.0", "keyslots.1"})
    ASSERT_TRUE(machine.disk(disk).set_content(name, bytes));
}

TEST(KeySlotsTamper, AnOldFilePutBackBringsNoRemovedSlotBack) {
  SimulatedMachine machine({1, 1});
  add_removable(machine);
  const std::string old = key_files(machine).begin()->second;
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    ASSERT_TRUE(remove_it(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  put_key_files(machine, 1, old);
  EXPECT_EQ(opens(machine, passphrase("removable")), Opens::No);
  EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::Yes);
  for (const auto& [path, bytes] : key_files(machine)) EXPECT_NE(bytes, old) << path;
  put_key_files(machine, 0, old);
  put_key_files(machine, 1, old);
  for (const char* secret : {"removable", "correct horse"}) {
    const auto refused = machine.open(passphrase(secret));
    ASSERT_FALSE(refused) << secret;
    EXPECT_EQ(refused.error().code, Errc::Corrupt);
  }
}

TEST(KeySlotsTamper, AForgedSuperblockThatNamesAnOldFileIsNotBelieved) {
  SimulatedMachine machine({1, 1});
  add_removable(machine);
  const std::string old = key_files(machine).begin()->second;
  {
    auto vault = machine.open();
    ASSERT_TRUE(vault);
    ASSERT_TRUE(remove_it(**vault));
    ASSERT_TRUE((*vault)->close());
  }
  const std::string current = key_files(machine).begin()->second;
  // Volume 1 holds the old file, and a superblock far ahead that names it; its MAC is a stranger's.
  put_key_files(machine, 1, old);
  const std::string real = machine.disk(1).content("superblock.0").value();
  Superblock forged = parse_superblock(as_bytes(real)).value();
  forged.epoch = EpochId(1'000'000);
  forged.sequence += 1000;
  forged.key_store_digest = crypto::digest(as_bytes(old));
  const auto bytes = encode(forged, crypto::KeyedMac(crypto::SecretKey::random()));
  ASSERT_TRUE(bytes);
  ASSERT_TRUE(machine.disk(1).set_content("superblock.0", *bytes));
  EXPECT_EQ(opens(machine, passphrase("removable")), Opens::No);
  EXPECT_EQ(opens(machine, SimulatedMachine::credential()), Opens::Yes);
  for (const auto& [path, content] : key_files(machine)) EXPECT_EQ(content, current) << path;
}

TEST(KeySlotsTamper, FilesAreNotSwappedBetweenVaults) {
  SimulatedMachine machine({1, 0});
  SimulatedMachine other({1, 0});
  put_key_files(machine, 0, key_files(other).begin()->second);
  const auto refused = machine.open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Corrupt);
}

TEST(KeySlotsTamper, FlippedCutOrLoweredFilesOfOneVolumeAreMendedFromTheOther) {
  SimulatedMachine machine({1, 1});
  add_removable(machine);
  const std::string good = key_files(machine).begin()->second;
  std::vector<std::string> damaged{good.substr(0, good.size() / 2), std::string(), good + "x"};
  for (std::size_t i = 0; i < good.size(); i += 41) {
    damaged.push_back(good);
    damaged.back()[i] = static_cast<char>(damaged.back()[i] ^ 4);
  }
  std::string lowered =
      good;  // of slot 0: Argon2 memory; with the checksum mended, as a stranger can
  lowered[40 + 9] = static_cast<char>(lowered[40 + 9] ^ 1);
  lowered.resize(lowered.size() - sizeof(crypto::Checksum));
  lowered.append(as_text(crypto::checksum(as_bytes(lowered))));
  damaged.push_back(lowered);
  for (const std::string& bad : damaged) {
    put_key_files(machine, 0, bad);
    EXPECT_EQ(opens(machine, passphrase("removable")), Opens::Yes);
    for (const auto& [path, bytes] : key_files(machine)) EXPECT_EQ(bytes == good, true) << path;
  }
  put_key_files(machine, 0, lowered);
  put_key_files(machine, 1, lowered);
  EXPECT_EQ(machine.open().error().code, Errc::Corrupt) << "on all volumes it is refused";
}

}  // namespace
}  // namespace coffer::sim
