#pragma once
// A segment store over simulated disks, with a journal that remembers what it was told.

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coffer/core/executor.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/erasure/erasure_code.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/segment_store_options.h"
#include "vault/volume/memory_disk.h"
#include "vault/volume/memory_volume.h"
#include "vault/volume/volume_set.h"

namespace coffer::test {

class RecordingJournal final : public SegmentJournal {
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
  Result<void> shards_degraded(std::span<const ShardRef> shards) override {
    std::scoped_lock lock(mutex);
    degraded.insert(shards.begin(), shards.end());
    return {};
  }
  Result<void> volume_failed(std::uint8_t member, const Error&) override {
    std::scoped_lock lock(mutex);
    failed.insert(member);
    if (volumes != nullptr) volumes->set_state(member, VolumeSet::State::Absent);
    return {};
  }
  void shard_damaged(const ShardRef& shard) override {
    std::scoped_lock lock(mutex);
    damaged.insert(shard);
  }

  std::mutex mutex;
  std::uint64_t last = 0;
  std::map<SegmentId, SegmentInfo> rows;
  std::set<ShardRef> degraded;
  std::set<std::uint8_t> failed;
  std::set<ShardRef> damaged;
  VolumeSet* volumes = nullptr;
};

/// Bytes that can be told apart everywhere.
inline std::string pattern(std::uint64_t seed, std::size_t bytes) {
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15ULL + 1);
  std::string text(bytes, '\0');
  for (std::size_t at = 0; at < bytes; at += 8) {
    const std::uint64_t word = random();
    std::memcpy(text.data() + at, &word, std::min<std::size_t>(8, bytes - at));
  }
  return text;
}

/// A file as a test remembers it.
struct Written {
  std::string content;
  std::vector<Reference> references;
};

/// The disks outlive a store, so that a test can open a second one on what the first one left.
class Machine {
 public:
  Machine(std::uint8_t k, std::uint8_t m, std::size_t disk_count = 0) {
    options.k = k;
    options.m = m;
    options.shard_bytes_max = 16U << 20;
    options.on_seal = [this](SegmentUid uid, std::uint32_t ordinal) {
      std::scoped_lock lock(sealed_mutex);
      repeated = repeated || !sealed.emplace(uid.value(), ordinal).second;
    };
    clock = std::make_shared<FaultClock>();
    if (disk_count == 0) disk_count = std::size_t{k} + m;
    for (std::size_t i = 0; i < disk_count; ++i) {
      disks.push_back(
          MemoryDisk::make({.name = "d" + std::to_string(i), .clock = clock, .seed = i + 1}));
    }
    open();
  }
  ~Machine() {
    store.reset();
    EXPECT_FALSE(repeated) << "a (key, nonce) pair sealed twice";
  }

  /// A store over what the disks hold now; knows the segments in the journal.
  void open() {
    store.reset();
    volumes = std::make_unique<VolumeSet>();
    for (std::size_t i = 0; i < disks.size(); ++i) {
      auto volume = open_memory_volume(disks[i]);
      if (volume) {
        volumes->set(static_cast<std::uint8_t>(i), *std::move(volume), VolumeSet::State::Current);
      }
    }
    journal.volumes = volumes.get();
    store =
        std::make_unique<SegmentStore>(SegmentStoreDeps{*volumes, keys, codes, buffers, executor,
                                                        journal, vault, CipherId::Aes256Gcm},
                                       options);
    for (const auto& row : journal.rows) store->add_known(row.second);
  }
  void set_state(std::size_t member, VolumeSet::State state) {
    volumes->set_state(static_cast<std::uint8_t>(member), state);
  }

  Written append(std::uint64_t seed, std::size_t bytes,
                 SegmentStore::Stream stream = SegmentStore::Stream::NewData) {
    Written written{pattern(seed, bytes), {}};
    auto done =
        store->append(stream, InodeId(seed), ByteOffset(seed * 10), as_bytes(written.content));
    EXPECT_TRUE(done) << done.error().context;
    if (done) written.references = *std::move(done);
    return written;
  }
  /// Empty: as it was written. Else what was wrong.
  std::string check(const Written& written,
                    SegmentStore::CacheUse use = SegmentStore::CacheUse::Bypass) {
    std::string got(written.content.size(), '?');
    std::uint64_t at = 0;
    for (const Reference& one : written.references) {
      const std::size_t bytes = one.length.value();
      MutableBytes out(reinterpret_cast<std::byte*>(got.data()) + at, bytes);
      if (auto read = store->read(one.place, one.skip, out, use); !read) {
        return std::string(to_string(read.error().code)) + ": " + read.error().context;
      }
      at += bytes;
    }
    if (at != written.content.size()) return "references do not cover the bytes";
    return got == written.content ? "" : "wrong bytes";
  }

  SegmentStoreOptions options;
  std::shared_ptr<FaultClock> clock;
  std::vector<std::shared_ptr<MemoryDisk>> disks;
  std::unique_ptr<VolumeSet> volumes;
  RecordingJournal journal;
  crypto::KeyRing ring = crypto::KeyRing::create(0);
  KeyRingSource keys{ring};
  ErasureCodes codes;
  BufferPool buffers;
  Executor* executor = nullptr;
  VaultUuid vault{crypto::random_uuid()};
  std::mutex sealed_mutex;
  std::set<std::pair<Uuid, std::uint32_t>> sealed;
  bool repeated = false;
  std::unique_ptr<SegmentStore> store;
};

}  // namespace coffer::test
