// Appenders, readers, syncs and failures at once; and every point of a crash.
#include <atomic>
#include <thread>

#include "store_fixture.h"
#include "tests/support/temp_directory.h"
#include "vault/volume/local_volume.h"

namespace coffer::test {
namespace {

struct Shared {
  std::mutex mutex;
  std::vector<Written> published;
};

void append_some(Machine& machine, Shared& shared, std::uint64_t thread, int count) {
  std::mt19937_64 random(thread);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t id = thread * 1'000 + static_cast<std::uint64_t>(i);
    const auto stream =
        i % 7 == 0 ? SegmentStore::Stream::Survivors : SegmentStore::Stream::NewData;
    Written one = machine.append(id, 1 + random() % (i % 5 == 0 ? 300'000 : 20'000), stream);
    EXPECT_EQ(machine.check(one), "");
    if (i % 9 == 0) {
      EXPECT_TRUE(machine.store->write_out());
    }
    std::scoped_lock lock(shared.mutex);
    shared.published.push_back(std::move(one));
  }
}

void read_some(Machine& machine, Shared& shared, const std::atomic<bool>& stop) {
  std::mt19937_64 random(99);
  while (!stop) {
    Written one;
    {
      std::scoped_lock lock(shared.mutex);
      if (shared.published.empty()) continue;
      one = shared.published[random() % shared.published.size()];
    }
    const auto use =
        random() % 2 == 0 ? SegmentStore::CacheUse::Keep : SegmentStore::CacheUse::Bypass;
    EXPECT_EQ(machine.check(one, use), "");
  }
}

void run_together(Machine& machine, int appends) {
  Shared shared;
  std::atomic<bool> stop{false};
  std::vector<std::thread> appenders;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    appenders.emplace_back([&, i] { append_some(machine, shared, i, appends); });
  }
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i) {
    others.emplace_back([&] {
      while (!stop) EXPECT_TRUE(machine.store->sync());
    });
  }
  others.emplace_back([&] { read_some(machine, shared, stop); });
  for (std::thread& one : appenders) one.join();
  stop = true;
  for (std::thread& one : others) one.join();
  EXPECT_TRUE(machine.store->sync());
  for (const Written& one : shared.published) EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentConcurrency, AppendersReadersAndSyncs) {
  Executor executor({.name = "segment-test", .threads = 2, .queue_max = 64});
  Machine machine(2, 1);
  machine.executor = &executor;
  machine.options.shard_bytes_max = 2U << 20;
  machine.options.unit_chunks = 8;
  machine.open();
  run_together(machine, 60);
  EXPECT_GT(machine.journal.rows.size(), 1U);
}

TEST(SegmentConcurrency, AVolumeFailsInTheMidstOfIt) {
  Machine machine(2, 2);
  machine.options.unit_chunks = 8;
  machine.open();
  machine.disks[3]->faults().add({.kind = IoKind::ShardWrite,
                                  .nth = 20,
                                  .effect = FaultEffect::Io,
                                  .repeat = Fault::Repeat::Forever});
  machine.disks[1]->faults().add({.kind = IoKind::ShardSync, .nth = 4, .effect = FaultEffect::Io});
  run_together(machine, 60);
  EXPECT_EQ(machine.journal.failed, (std::set<std::uint8_t>{1, 3}));
}

TEST(SegmentCrash, AtEveryOperationWhatWasSyncedIsThereAfterAPowerCut) {
  std::uint64_t operations = UINT64_MAX;
  std::uint64_t step = 1;
  for (std::uint64_t at = 1; at <= operations; at += step) {
    Machine machine(2, 1);
    machine.options.unit_chunks = 2;
    machine.options.shard_bytes_max = 256U << 10;
    machine.open();
    const std::uint64_t before = machine.clock->operations();
    machine.clock->crash_at(operations == UINT64_MAX ? 0 : before + at);
    std::vector<Written> kept;
    std::vector<Written> pending;
    for (std::uint64_t i = 1; i <= 12; ++i) {
      Written one{pattern(i, 1 + i * i * 900), {}};
      auto done = machine.store->append(SegmentStore::Stream::NewData, InodeId(i), ByteOffset(0),
                                        as_bytes(one.content));
      if (!done) break;
      one.references = *std::move(done);
      pending.push_back(std::move(one));
      if (i % 3 != 0) continue;
      if (!machine.store->sync()) break;
      for (Written& each : pending) kept.push_back(std::move(each));
      pending.clear();
    }
    if (operations == UINT64_MAX) {
      operations = machine.clock->operations() - before;
      at = 0;
      continue;
    }
    machine.clock->crash();
    machine.store.reset();
    for (const auto& disk : machine.disks) disk->power_cut(at);
    machine.open();
    // One volume may be lost on top of it, unless one failed before the end.
    if (machine.journal.failed.empty()) machine.set_state(at % 3, VolumeSet::State::Absent);
    for (const Written& one : kept) ASSERT_EQ(machine.check(one), "") << "crash at " << at;
  }
  EXPECT_GT(operations, 30U);
}

TEST(SegmentLocal, OverDirectoriesOfTheFileSystem) {
  coffer::testing::TempDirectory directory;
  crypto::KeyRing ring = crypto::KeyRing::create(0);
  KeyRingSource keys(ring);
  ErasureCodes codes;
  BufferPool buffers;
  RecordingJournal journal;
  VolumeSet volumes;
  for (std::uint8_t i = 0; i < 3; ++i) {
    const std::string path = (directory.path() / ("v" + std::to_string(i))).string();
    ASSERT_TRUE(create_local_volume_directory(path));
    auto volume = open_local_volume(path);
    ASSERT_TRUE(volume);
    volumes.set(i, *std::move(volume), VolumeSet::State::Current);
  }
  SegmentStoreOptions options;
  options.k = 2;
  options.m = 1;
  options.reserve = {1'000'000, 1, 1};
  const SegmentStoreDeps deps{volumes,
                              keys,
                              codes,
                              buffers,
                              nullptr,
                              journal,
                              VaultUuid(crypto::random_uuid()),
                              CipherId::XChaCha20Poly1305};
  const std::string content = pattern(5, 3'000'000);
  std::vector<Reference> references;
  {
    SegmentStore store(deps, options);
    auto done =
        store.append(SegmentStore::Stream::NewData, InodeId(1), ByteOffset(0), as_bytes(content));
    ASSERT_TRUE(done);
    references = *done;
    ASSERT_TRUE(store.close());
  }
  SegmentStore store(deps, options);
  for (const auto& row : journal.rows) store.add_known(row.second);
  for (int absent = -1; absent < 3; ++absent) {
    for (std::uint8_t i = 0; i < 3; ++i) {
      volumes.set_state(i, i == absent ? VolumeSet::State::Absent : VolumeSet::State::Current);
    }
    std::string got;
    for (const Reference& one : references) {
      std::string part(one.length.value(), '?');
      ASSERT_TRUE(store.read(one.place, 0, {reinterpret_cast<std::byte*>(part.data()), part.size()},
                             SegmentStore::CacheUse::Bypass));
      got += part;
    }
    EXPECT_TRUE(got == content);
  }
}

}  // namespace
}  // namespace coffer::test
