#include <random>
#include <set>
#include <thread>

#include "tests/vault/meta/mirror_fixture.h"
#include "vault/meta/nonce_log.h"
#include "vault/meta/sealed_blocks.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;
constexpr int kRows = 600;

std::string value_of(int i) { return std::string(500, 'v') + std::to_string(i); }

/// A table, a live log with synced rows, and a killed process.
void fill_and_kill(Machine& machine) {
  auto store = std::move(machine.open(Mode::Create).value());
  for (int i = 0; i < kRows; ++i) {
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
    if (i != kRows / 3) continue;
    ASSERT_TRUE(store->close());
    store = std::move(machine.open(Mode::ReadWrite).value());
  }
  ASSERT_TRUE(store->sync());
  put(*store, "last", "row");
  ASSERT_TRUE(store->sync());
  machine.kill();
}

/// Every row is right, or reading fails; never anything else.
void expect_right_or_error(MetaStore& store) {
  for (int i = 0; i < kRows; ++i) {
    const auto value = store.get("CANARYKEY" + std::to_string(i));
    if (value) {
      ASSERT_EQ(value->value_or("absent"), "CANARYVALUE" + value_of(i));
    }
  }
}

void flip_somewhere(MemoryDisk& disk, const std::string& path, std::mt19937_64& random) {
  const std::size_t size = disk.content(path).value().size();
  ASSERT_TRUE(
      disk.flip_bit(path, ByteOffset(random() % size), static_cast<unsigned>(random() % 8)));
}

TEST(MetaTamper, NoFileHoldsPlaintext) {
  Machine machine(2);
  fill_and_kill(machine);
  for (const auto& disk : machine.disks) {
    for (const std::string& path : disk->paths()) {
      const auto content = disk->content(path);
      if (!content) continue;
      EXPECT_EQ(content->find("CANARY"), std::string::npos) << path;
      EXPECT_EQ(content->find("rocksdb"), std::string::npos) << path;
    }
  }
}

TEST(MetaTamper, FlippedBitsOnOneMirrorAreReadFromTheOther) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::string(kind) + " seed " + std::to_string(seed));
      Machine machine(2);
      fill_and_kill(machine);
      const auto paths = machine.files_of(round % 2, kind);
      ASSERT_FALSE(paths.empty());
      for (const std::string& path : paths) flip_somewhere(*machine.disks[round % 2], path, random);
      auto store = machine.recover();
      ASSERT_TRUE(store) << store.error().context;
      for (int i = 0; i < kRows; ++i) {
        ASSERT_EQ(get(**store, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
      }
      EXPECT_EQ(get(**store, "last"), "row");
      EXPECT_TRUE((*store)->close());
    }
  }
}

TEST(MetaTamper, FlippedBitsOnTheOnlyMirrorNeverGiveWrongRows) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    for (int round = 0; round < 6; ++round) {
      SCOPED_TRACE(std::string(kind) + " seed " + std::to_string(seed));
      Machine machine(1);
      fill_and_kill(machine);
      for (const std::string& path : machine.files_of(0, kind))
        flip_somewhere(*machine.disks[0], path, random);
      auto store = machine.recover();
      if (store) expect_right_or_error(**store);
    }
  }
}

TEST(MetaTamper, ABadBlockOfATableTakesOnlyTheRowsInIt) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int i = 0; i < kRows; ++i)
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
  ASSERT_TRUE(store->close());
  store.reset();
  const auto tables = machine.files_of(0, ".sst");
  ASSERT_EQ(tables.size(), 1U);
  MemoryDisk& disk = *machine.disks[0];
  const std::string whole = disk.content(tables[0]).value();
  const std::uint64_t blocks = BlockLayout::of(whole.size()).value().blocks;
  ASSERT_GT(blocks, 50U);
  // In front lies the store's own row, and at the end filter, index and footer: without those there is no store.
  for (std::uint64_t block = 3; block + 3 < blocks; ++block) {
    SCOPED_TRACE(block);
    const ByteOffset at(SealedIdentity::kHeaderBytes + block * kSealedBlockBytes + 4000);
    ASSERT_TRUE(disk.flip_bit(tables[0], at, 3));
    auto damaged = machine.open(Mode::ReadOnly);
    ASSERT_TRUE(damaged) << damaged.error().context;
    int lost = 0;
    for (int i = 0; i < kRows; ++i) {
      const auto value = (*damaged)->get("CANARYKEY" + std::to_string(i));
      if (value) {
        ASSERT_EQ(value->value_or("absent"), "CANARYVALUE" + value_of(i));
      } else {
        ++lost;
      }
    }
    EXPECT_GT(lost, 0);
    EXPECT_LT(lost, 50);  // two of RocksDB's blocks of 8 KiB, at most
    ASSERT_TRUE(disk.flip_bit(tables[0], at, 3));
  }
}

TEST(MetaTamper, SwappedFilesAreRefused) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int table = 0; table < 2; ++table) {
    put(*store, "k" + std::to_string(table), value_of(table));
    ASSERT_TRUE(store->close());
    store = std::move(machine.open(Mode::ReadWrite).value());
  }
  ASSERT_TRUE(store->close());
  store.reset();
  const auto tables = machine.files_of(0, ".sst");
  ASSERT_GE(tables.size(), 2U);
  MemoryDisk& disk = *machine.disks[0];
  const std::string first = disk.content(tables[0]).value();
  const std::string second = disk.content(tables[1]).value();
  ASSERT_TRUE(disk.set_content(tables[0], second));
  ASSERT_TRUE(disk.set_content(tables[1], first));
  EXPECT_FALSE(machine.open(Mode::ReadWrite));
  EXPECT_FALSE(machine.recover());
}

TEST(MetaTamper, LongerAndShorterCopiesOfAClosedStoreAreReadFromTheOther) {
  Machine machine(3);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int i = 0; i < kRows; ++i)
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
  ASSERT_TRUE(store->close());
  store.reset();
  for (const std::string& path : machine.files_of(0, "/")) {
    const std::string content = machine.disks[0]->content(path).value();
    ASSERT_TRUE(machine.disks[0]->set_content(path, content + std::string(5000, 'x')));
  }
  for (const std::string& path : machine.files_of(1, "/")) {
    const std::string content = machine.disks[1]->content(path).value();
    ASSERT_TRUE(machine.disks[1]->set_content(path, content.substr(0, content.size() / 2)));
  }
  auto again = machine.open(Mode::ReadWrite);
  ASSERT_TRUE(again) << again.error().context;
  for (int i = 0; i < kRows; ++i) {
    ASSERT_EQ(get(**again, "CANARYKEY" + std::to_string(i)), "CANARYVALUE" + value_of(i));
  }
  EXPECT_EQ((*again)->damaged_members(), (std::vector<std::uint8_t>{0, 1}));
}

TEST(MetaTamper, DeletedFilesAreSeen) {
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    SCOPED_TRACE(kind);
    Machine machine(1);
    fill_and_kill(machine);
    for (const std::string& path : machine.files_of(0, kind))
      ASSERT_TRUE(machine.disks[0]->erase(path));
    EXPECT_FALSE(machine.recover());
  }
}

TEST(MetaTamper, CutFilesAreSeenOrLeaveAPrefix) {
  for (const std::string_view kind : {".sst", ".log", "MANIFEST-", "CURRENT"}) {
    SCOPED_TRACE(kind);
    Machine machine(1);
    fill_and_kill(machine);
    for (const std::string& path : machine.files_of(0, kind)) {
      const std::string content = machine.disks[0]->content(path).value();
      ASSERT_TRUE(machine.disks[0]->set_content(path, content.substr(0, content.size() / 2)));
    }
    auto store = machine.recover();
    // The end of the newest log has no witness in these files: an older end is an older state, whole in itself.
    EXPECT_EQ(store.has_value(), kind == ".log");
    if (!store) continue;
    const int there = static_cast<int>((*store)->committed().value());
    for (int i = 0; i < kRows; ++i) {
      EXPECT_EQ(get(**store, "CANARYKEY" + std::to_string(i)),
                i < there ? "CANARYVALUE" + value_of(i) : "absent");
    }
  }
}

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

TEST(MetaConcurrency, CommitsAndSyncsFromManyThreadsAreOrdered) {
  Machine machine(2);
  auto store = std::move(machine.open(Mode::Create).value());
  constexpr int kThreads = 6;
  constexpr int kCommits = 200;
  Mutex mutex;
  std::set<std::uint64_t> positions;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        MetaBatch batch;
        batch.put("t" + std::to_string(t), std::to_string(i));
        batch.add("sum", 1);
        const auto position = store->commit(std::move(batch));
        ASSERT_TRUE(position);
        if (i % 10 == 0) {
          ASSERT_TRUE(store->sync());
          EXPECT_GE(store->synced(), *position);
        }
        MutexLock lock(mutex);
        EXPECT_TRUE(positions.insert(position->value()).second);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*positions.rbegin(), std::uint64_t{kThreads * kCommits});
  machine.kill();
  store.reset();
  auto again = machine.recover();
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(ByteReader(get(**again, "sum")).i64(), kThreads * kCommits);
  EXPECT_EQ((*again)->committed().value(), std::uint64_t{kThreads * kCommits});
}

/// As a segment store that lost a volume does: every barrier writes a row.
class CommittingBarrier final : public DataBarrier {
 public:
  Result<void> sync_data() override {
    MetaStore* const target = store.load();
    if (target == nullptr) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    MetaBatch batch;
    batch.add("degraded", 1);
    const auto position = target->commit(std::move(batch));
    if (!position) return fail(position.error());
    return {};
  }
  std::atomic<MetaStore*> store{nullptr};
};

TEST(MetaConcurrency, ABarrierThatCommitsNeverWaitsForItsOwnFlush) {
  Machine machine(1);
  CommittingBarrier barrier;
  MetaStoreDeps deps = machine.deps();
  deps.barrier = &barrier;
  auto store =
      std::move(MetaStore::open(Mode::Create, deps, machine.mirrors,
                                {.block_cache_bytes = 1 << 20, .write_buffer_bytes = 64 << 10})
                    .value());
  barrier.store = store.get();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 400; ++i) {
        put(*store, "t" + std::to_string(t) + "." + std::to_string(i), std::string(1000, 'v'));
        if (t == 0 && i % 40 == 0) {
          ASSERT_TRUE(store->sync());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GT(ByteReader(get(*store, "degraded")).i64(), 10);
  EXPECT_TRUE(store->close());
}

Mutex g_nonce_mutex;
std::set<std::pair<Uuid, std::uint64_t>> g_nonces GUARDED_BY(g_nonce_mutex);
bool g_repeated GUARDED_BY(g_nonce_mutex) = false;

TEST(MetaNonces, NoPairIsUsedTwiceAcrossCrashes) {
  set_nonce_listener([](const Uuid& file, std::uint64_t nonce) {
    MutexLock lock(g_nonce_mutex);
    if (!g_nonces.emplace(file, nonce).second) g_repeated = true;
  });
  Machine machine(2);
  auto store = std::move(machine.open(Mode::Create).value());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 400; ++i) put(*store, "k" + std::to_string(i), value_of(i));
    machine.kill();
    store.reset();
    store = std::move(machine.recover().value());
  }
  store.reset();
  set_nonce_listener(nullptr);
  MutexLock lock(g_nonce_mutex);
  EXPECT_GT(g_nonces.size(), 1000U);
  EXPECT_FALSE(g_repeated);
}

TEST(MetaStore, OneLargeCommitIsOneFrame) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create, {}).value());
  MetaBatch batch;
  std::mt19937_64 random(1);
  std::string big(5 << 20, '\0');
  for (char& c : big) c = static_cast<char>(random());
  batch.put("big", big);
  ASSERT_TRUE(store->commit(std::move(batch)));
  put(*store, "small", "x");
  machine.kill();
  store.reset();
  auto image = std::move(MetaImage::inspect(machine.deps(), machine.mirrors).value());
  EXPECT_EQ(image->tail().size(), 2U);
  auto again = machine.recover();
  ASSERT_TRUE(again);
  EXPECT_EQ(get(**again, "big"), big);
}

TEST(MetaStore, ReadOnlyOpensAKilledStoreAndWritesNothing) {
  Machine machine(1);
  fill_and_kill(machine);
  const auto paths = machine.disks[0]->paths();
  auto store = machine.open(Mode::ReadOnly);
  ASSERT_TRUE(store) << store.error().context;
  EXPECT_EQ(get(**store, "last"), "row");
  MetaBatch batch;
  batch.put("a", "b");
  EXPECT_EQ((*store)->commit(std::move(batch)).error().code, Errc::ReadOnly);
  EXPECT_TRUE((*store)->close());
  EXPECT_EQ(machine.disks[0]->paths(), paths);
}

}  // namespace
}  // namespace coffer::meta
