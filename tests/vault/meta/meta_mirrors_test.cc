/// Mirrors on several volumes, and the second copy on a lone one: which failure costs what.

#include <random>

#include "tests/vault/meta/damaged_store.h"
#include "vault/meta/frame_file.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;

TEST(MetaMirrors, AFailedMirrorIsReportedAndLeftBehind) {
  Machine machine(3);
  auto store = std::move(machine.open(Mode::Create).value());
  put(*store, "a", "1");
  machine.disks[1]->vanish();
  put(*store, "b", "2");
  EXPECT_EQ(machine.owner.failed(), std::vector<std::uint8_t>{1});
  ASSERT_TRUE(store->sync());
  for (int i = 0; i < 500; ++i) put(*store, "k" + std::to_string(i), value_of(i));
  EXPECT_EQ(machine.owner.failed().size(), 1U);
  EXPECT_TRUE(store->close());
  store.reset();
  machine.mirrors.erase(machine.mirrors.begin() + 1);
  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(get(**again, "k499"), value_of(499));
}

TEST(MetaTwin, FlippedBitsInOneCopyAreReadFromTheOther) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    for (std::size_t round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::string(kind) + " seed " + std::to_string(seed));
      Machine machine(1);
      machine.add_twin();
      fill_and_kill(machine);
      const auto damage = [&] {
        const auto paths = machine.files_of(round % 2, kind);
        ASSERT_FALSE(paths.empty());
        for (const std::string& path : paths) flip_somewhere(*machine.disks[0], path, random);
      };
      damage();
      auto store = machine.recover();
      ASSERT_TRUE(store) << store.error().context;
      for (int i = 0; i < kRows; ++i)
        ASSERT_EQ(get(**store, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
      EXPECT_EQ(get(**store, "last"), "row");
      EXPECT_TRUE((*store)->close());
      store->reset();
      damage();  // what was damaged is whole again, and the two copies share nothing
      store = machine.open(Mode::ReadWrite);
      ASSERT_TRUE(store) << store.error().context;
      for (int i = 0; i < kRows; ++i)
        ASSERT_EQ(get(**store, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
      EXPECT_TRUE((*store)->close());
    }
  }
}

TEST(MetaTwin, OneThatWasBehindWhenTheProcessDiedIsNotDamaged) {
  Machine machine(1);
  machine.add_twin();
  auto store = std::move(machine.open(Mode::Create).value());
  put(*store, "a", "1");
  ASSERT_TRUE(store->sync());
  for (int i = 0; i < 3; ++i) put(*store, "held back from the twin", std::to_string(i));
  machine.kill();
  store.reset();
  const std::string path = machine.files_of(0, ".log").back();
  ASSERT_GT(machine.disks[0]->content(path)->size(),
            machine.disks[0]->content(machine.files_of(1, ".log").back())->size());
  MirrorSet mirrors(machine.mirrors, &machine.owner);
  const SealingContext context{.keys = &machine.keys,
                               .cipher = CipherId::Aes256Gcm,
                               .vault = machine.vault,
                               .boot = machine.boot};
  const auto log = load_frame_file(context, mirrors, path.substr(path.rfind('/') + 1));
  ASSERT_TRUE(log);
  EXPECT_EQ(log->frames.back().info.position, 4U);
  EXPECT_TRUE(mirrors.damaged_members().empty());
}

TEST(MetaTwin, OneThatFailsIsLeftBehindAndNobodyWaits) {
  for (const IoKind kind : {IoKind::AreaCreate, IoKind::AreaAppend, IoKind::AreaSync}) {
    SCOPED_TRACE(to_string(kind));
    Machine machine(1);
    machine.add_twin();
    auto store = std::move(machine.open(Mode::Create).value());
    machine.disks[0]->faults().add(
        {.kind = kind,
         .path_contains = machine.mirrors[1].directory.value().to_string(),
         .repeat = Fault::Repeat::Forever});
    for (int i = 0; i < 3000; ++i) put(*store, "k" + std::to_string(i), value_of(i));
    EXPECT_TRUE(store->sync());
    EXPECT_TRUE(store->close());
    EXPECT_EQ(store->damaged_members(), std::vector<std::uint8_t>{0});
    EXPECT_TRUE(machine.owner.failed().empty());
    store.reset();
    machine.disks[0]->faults().clear();
    auto again = machine.recover();
    ASSERT_TRUE(again) << again.error().context;
    for (int i = 0; i < 3000; ++i) ASSERT_EQ(get(**again, "k" + std::to_string(i)), value_of(i));
    EXPECT_TRUE((*again)->close());
    EXPECT_TRUE((*again)->damaged_members().empty());
  }
}

TEST(MetaTwin, ItDoesNotStandInForTheCopyThatItBelongsTo) {
  Machine machine(1);
  machine.add_twin();
  auto store = std::move(machine.open(Mode::Create).value());
  put(*store, "a", "1");
  machine.disks[0]->faults().add(
      {.kind = IoKind::AreaAppend,
       .path_contains = machine.mirrors[0].directory.value().to_string()});
  MetaBatch batch;
  batch.put("b", "2");
  EXPECT_FALSE(store->commit(std::move(batch)));
  EXPECT_FALSE(store->sync());
  EXPECT_TRUE(machine.owner.failed().empty());
}

TEST(MetaTwin, AVolumeThatIsLeftOutTakesBothCopiesWithIt) {
  Machine machine(1);
  machine.add_twin();
  auto store = std::move(machine.open(Mode::Create).value());
  EXPECT_TRUE(store->leave_out(0, [] { return Result<void>(); }));
  MetaBatch batch;
  batch.put("b", "2");
  EXPECT_FALSE(store->commit(std::move(batch)));
}

TEST(MetaMirrors, NothingSucceedsWhenTheOwnerCannotRaiseTheEpoch) {
  Machine machine(2);
  auto store = std::move(machine.open(Mode::Create).value());
  machine.owner.refuse = true;
  machine.disks[0]->vanish();
  MetaBatch batch;
  batch.put("a", "1");
  EXPECT_FALSE(store->commit(std::move(batch)));
  EXPECT_FALSE(store->sync());
}

TEST(MetaMirrors, TheLastFailureIsFinal) {
  Machine machine(2);
  auto store = std::move(machine.open(Mode::Create).value());
  put(*store, "a", "1");
  for (const auto& disk : machine.disks) disk->vanish();
  const auto commit = [&store] {
    MetaBatch batch;
    batch.put("b", "2");
    return store->commit(std::move(batch));
  };
  EXPECT_FALSE(commit());
  EXPECT_TRUE(machine.owner.failed().size() < 2);
  for (const auto& disk : machine.disks) disk->reappear();
  EXPECT_EQ(commit().error().code, Errc::Io);
  EXPECT_EQ(store->sync().error().code, Errc::Io);
}
}  // namespace
}  // namespace coffer::meta
