#pragma once
// A tree with objects over simulated disks, without the vault around it.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "coffer/core/executor.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/erasure/erasure_code.h"
#include "vault/meta/meta_store.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/segment_store_options.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_service.h"
#include "vault/tree/segment_ledger.h"
#include "vault/tree/tree_service.h"
#include "vault/volume/memory_disk.h"
#include "vault/volume/memory_volume.h"
#include "vault/volume/volume_set.h"

namespace coffer::test {

class RowJournal final : public SegmentJournal {
 public:
  Result<SegmentId> add_segment(const SegmentInfo& info) override {
    std::scoped_lock lock(mutex);
    SegmentInfo row = info;
    row.id = SegmentId(++last);
    rows[row.id] = row;
    return row.id;
  }
  void segment_sealed(const SegmentInfo& info) override {
    std::scoped_lock lock(mutex);
    rows[info.id] = info;
  }
  Result<void> shards_degraded(std::span<const ShardRef>) override { return {}; }
  Result<void> volume_failed(std::uint8_t, const Error&) override { return {}; }
  void shard_damaged(const ShardRef&) override {}

  std::mutex mutex;
  std::uint64_t last = 0;
  std::map<SegmentId, SegmentInfo> rows;
};

class NoOwner final : public MetaStoreOwner {
 public:
  Result<void> mirror_failed(std::uint8_t, const Error&) override { return fail(Errc::Io); }
};

class StoreBarrier final : public DataBarrier {
 public:
  Result<void> sync_data() override { return store->sync(); }
  SegmentStore* store = nullptr;
};

class RecordingObserver final : public ChangeObserver {
 public:
  void on_change(const Change& change) override {
    std::scoped_lock lock(mutex);
    changes.push_back(change);
  }
  std::vector<Change> take() {
    std::scoped_lock lock(mutex);
    return std::exchange(changes, {});
  }

 private:
  std::mutex mutex;
  std::vector<Change> changes;
};

/// Says of every inode in the set that the kernel knows it.
class SomeUsers final : public InodeUsers {
 public:
  bool in_use(InodeId inode) override {
    std::scoped_lock lock(mutex);
    return known.contains(inode);
  }
  std::mutex mutex;
  std::set<InodeId> known;
};

class World {
 public:
  World() : keys(crypto::KeyRing::create(0)), key_source(keys), vault(crypto::random_uuid()) {
    disk = MemoryDisk::make({.name = "d", .clock = std::make_shared<FaultClock>(), .seed = 1});
    directory = DirectoryUid(crypto::random_uuid());
    open(MetaStore::Mode::Create);
  }
  ~World() { close(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void reopen() {
    close();
    open(MetaStore::Mode::ReadWrite);
  }

  Tree& tree() { return *tree_service; }
  Objects& objects() { return *object_service; }

  MetaStore& meta() { return *meta_store; }
  SegmentLedger& segment_ledger() { return *ledger; }
  RecordingObserver observer;
  std::unique_ptr<InodeStore> inodes;
  std::unique_ptr<Namespace> names;

 private:
  void open(MetaStore::Mode mode) {
    volumes = std::make_unique<VolumeSet>();
    volumes->set(0, std::move(open_memory_volume(disk).value()), VolumeSet::State::Current);
    SegmentStoreOptions options;
    options.shard_bytes_max = 16U << 20;
    options.reserve.bytes_min = 0;
    segments = std::make_unique<SegmentStore>(
        SegmentStoreDeps{*volumes, key_source, codes, buffers, nullptr, journal, vault,
                         CipherId::Aes256Gcm},
        options);
    for (const auto& row : journal.rows) segments->add_known(row.second);
    barrier.store = segments.get();
    MetaStoreDeps deps{.keys = &keys,
                       .cipher = CipherId::Aes256Gcm,
                       .vault = vault,
                       .boot = boot,
                       .barrier = &barrier,
                       .owner = &owner};
    auto opened = MetaStore::open(mode, deps, {{0, directory, &volumes->any(0)->files()}}, {});
    ASSERT_TRUE(opened) << opened.error().context;
    meta_store = *std::move(opened);
    if (mode == MetaStore::Mode::Create) {
      MetaBatch batch;
      Namespace::stage_root(batch, 0, 0);
      ASSERT_TRUE(meta_store->commit(std::move(batch)));
    }
    ledger = std::make_unique<SegmentLedger>(*meta_store, *segments);
    inodes = std::make_unique<InodeStore>(
        InodeStore::Deps{meta_store.get(), segments.get(), ledger.get(), 4096});
    bytes = std::make_unique<FileBytes>(
        FileBytes::Deps{meta_store.get(), segments.get(), ledger.get(), inodes.get(), {}});
    Namespace::Deps parts;
    parts.meta = meta_store.get();
    parts.segments = segments.get();
    parts.ledger = ledger.get();
    parts.inodes = inodes.get();
    parts.bytes = bytes.get();
    parts.feed = &feed;
    parts.sync = [this]() -> Result<void> {
      COFFER_TRY(meta_store->sync());
      ledger->reap();
      return {};
    };
    parts.space = [] { return Result<SpaceInfo>(SpaceInfo{}); };
    names = std::make_unique<Namespace>(parts);
    tree_service = std::make_unique<TreeService>(*names);
    object_service = std::make_unique<ObjectService>(*names);
    ASSERT_TRUE(ledger->load());
    ASSERT_TRUE(names->versions().load());
    ASSERT_TRUE(inodes->queue_orphans());
    feed.subscribe(observer);
  }

  void close() {
    feed.unsubscribe(observer);
    if (!meta_store) return;
    inodes->drain_reaper();
    EXPECT_TRUE(bytes->commit_all());
    EXPECT_TRUE(meta_store->sync());
    inodes->stop();
    object_service.reset();
    tree_service.reset();
    names.reset();
    bytes.reset();
    inodes.reset();
    ledger.reset();
    EXPECT_TRUE(meta_store->close());
    meta_store.reset();
    EXPECT_TRUE(segments->close());
    segments.reset();
    volumes.reset();
  }

  std::shared_ptr<MemoryDisk> disk;
  crypto::KeyRing keys;
  KeyRingSource key_source;
  VaultUuid vault;
  DirectoryUid directory;
  Uuid boot = crypto::random_uuid();
  ErasureCodes codes;
  BufferPool buffers;
  RowJournal journal;
  NoOwner owner;
  StoreBarrier barrier;
  ChangeFeed feed;
  std::unique_ptr<VolumeSet> volumes;
  std::unique_ptr<SegmentStore> segments;
  std::unique_ptr<MetaStore> meta_store;
  std::unique_ptr<SegmentLedger> ledger;
  std::unique_ptr<FileBytes> bytes;
  std::unique_ptr<TreeService> tree_service;
  std::unique_ptr<ObjectService> object_service;
};

/// What is wrong with the rows of the namespace: entries, their index, counts, link counts, hidden inodes. One line each.
std::vector<std::string> check_namespace(MetaStore& meta);

}  // namespace coffer::test
