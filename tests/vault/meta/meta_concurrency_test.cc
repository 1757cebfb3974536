/// Many threads, and many lives of one store.

#include <chrono>
#include <future>
#include <random>
#include <set>
#include <thread>

#include "tests/vault/meta/damaged_store.h"
#include "vault/meta/nonce_log.h"

namespace coffer::meta {
namespace {

using Mode = MetaStore::Mode;

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
    std::this_thread::sleep_for(
        std::chrono::milliseconds(5));  // so that memtables fill up meanwhile
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

TEST(MetaConcurrency, CommitsDoNotWaitForAFlushThatFailed) {
  Machine machine(1);
  auto store = std::move(machine.open(Mode::Create).value());
  machine.barrier.delay = std::chrono::milliseconds(300);  // memtables fill up before it fails
  machine.disks[0]->faults().add({.kind = IoKind::AreaSync, .path_contains = ".sst"});
  auto told = std::async(std::launch::async, [&store] {
    for (int i = 0; i < 3000; ++i) {
      MetaBatch batch;
      batch.put("row" + std::to_string(i), std::string(3000, 'v'));
      if (!store->commit(std::move(batch))) return true;
    }
    return false;
  });
  const bool ended = told.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  EXPECT_TRUE(ended);
  store->freeze();  // lets a commit that hangs go
  EXPECT_TRUE(told.get());
}

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
}  // namespace
}  // namespace coffer::meta
