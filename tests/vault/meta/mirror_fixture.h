#pragma once
/// Mirrors on simulated disks of one machine, and the store's deps, for the tests of this room.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/meta/meta_image.h"
#include "vault/meta/meta_store.h"
#include "vault/volume/memory_disk.h"
#include "vault/volume/memory_volume.h"

namespace coffer::meta {

class RecordingOwner final : public MetaStoreOwner {
 public:
  Result<void> mirror_failed(std::uint8_t member_index, const Error& /*why*/) override {
    MutexLock lock(mutex_);
    failed_.push_back(member_index);
    if (refuse) return fail(Errc::Io, "no epoch was raised");
    return {};
  }
  std::vector<std::uint8_t> failed() {
    MutexLock lock(mutex_);
    return failed_;
  }
  std::atomic<bool> refuse{false};

 private:
  Mutex mutex_;
  std::vector<std::uint8_t> failed_ GUARDED_BY(mutex_);
};

class CountingBarrier final : public DataBarrier {
 public:
  Result<void> sync_data() override {
    ++calls;
    std::this_thread::sleep_for(delay);  // the data's sync takes its time
    if (failing) return fail(Errc::Io, "data");
    return {};
  }
  std::atomic<int> calls{0};
  std::atomic<bool> failing{false};
  std::chrono::milliseconds delay{0};
};

/// A machine with `n` disks, each with a volume that is open, and a mirror directory on each.
class Machine {
 public:
  explicit Machine(std::size_t n) : keys(crypto::KeyRing::create(0)), vault(crypto::random_uuid()) {
    for (std::size_t i = 0; i < n; ++i) {
      disks.push_back(
          MemoryDisk::make({.name = "d" + std::to_string(i), .clock = clock, .seed = i + 1}));
    }
    boot = crypto::random_uuid();
    reopen_volumes();
    fresh_mirrors();
  }

  MetaStoreDeps deps() {
    return {.keys = &keys,
            .cipher = CipherId::Aes256Gcm,
            .vault = vault,
            .boot = boot,
            .barrier = &barrier,
            .owner = &owner};
  }
  void reopen_volumes() {
    // A store of before the crash may still have threads that hold the old sessions.
    for (auto& volume : volumes) crashed_.push_back(std::move(volume));
    volumes.clear();
    for (const auto& disk : disks) volumes.push_back(std::move(open_memory_volume(disk).value()));
    for (MirrorDirectory& mirror : mirrors) mirror.files = &volumes[mirror.member_index]->files();
  }
  /// From now on a second copy lies on the first disk.
  void add_twin() {
    twin = true;
    fresh_mirrors();
  }
  void fresh_mirrors() {
    mirrors.clear();
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      mirrors.push_back({static_cast<std::uint8_t>(i), DirectoryUid(crypto::random_uuid()),
                         &volumes[i]->files()});
    }
    if (twin) mirrors.push_back({0, DirectoryUid(crypto::random_uuid()), &volumes[0]->files()});
  }
  Result<std::unique_ptr<MetaStore>> open(MetaStore::Mode mode,
                                          MetaStoreOptions options = small_options()) {
    return MetaStore::open(mode, deps(), mirrors, options);
  }
  static MetaStoreOptions small_options() {
    return {.block_cache_bytes = 1 << 20, .write_buffer_bytes = 512 << 10};
  }

  void kill() {
    for (const auto& disk : disks) disk->process_crash();
    reopen_volumes();
  }
  void power_cut(std::uint64_t seed) {
    for (const auto& disk : disks) disk->power_cut(seed++);
    boot = crypto::random_uuid();
    reopen_volumes();
  }
  /// What a vault does at open: inspect, establish anew, open.
  Result<std::unique_ptr<MetaStore>> recover() {
    COFFER_ASSIGN(auto image, MetaImage::inspect(deps(), mirrors));
    if (image->damaged()) return fail(Errc::Corrupt, "damaged image");
    fresh_mirrors();
    COFFER_TRY(image->establish(mirrors));
    return open(MetaStore::Mode::ReadWrite);
  }
  /// The files of mirror `i` whose path contains `part`.
  std::vector<std::string> files_of(std::size_t i, std::string_view part) {
    std::vector<std::string> found;
    const std::string directory = "meta." + mirrors[i].directory.value().to_string();
    for (const std::string& path : disks[mirrors[i].member_index]->paths()) {
      if (path.starts_with(directory) && path.find(part) != std::string::npos)
        found.push_back(path);
    }
    return found;
  }

  std::shared_ptr<FaultClock> clock = std::make_shared<FaultClock>();
  std::vector<std::shared_ptr<MemoryDisk>> disks;
  std::vector<std::unique_ptr<Volume>> volumes;
  crypto::KeyRing keys;
  VaultUuid vault;
  Uuid boot;
  RecordingOwner owner;
  CountingBarrier barrier;
  std::vector<MirrorDirectory> mirrors;
  bool twin = false;

 private:
  std::vector<std::unique_ptr<Volume>> crashed_;
};

inline CommitPosition put(MetaStore& store, std::string_view key, std::string_view value) {
  MetaBatch batch;
  batch.put(key, value);
  const auto position = store.commit(std::move(batch));
  EXPECT_TRUE(position) << position.error().context;
  return position ? *position : CommitPosition(0);
}

inline std::string get(MetaStore& store, std::string_view key) {
  const auto value = store.get(key);
  if (!value) return "error";
  return value->value_or("absent");
}

}  // namespace coffer::meta
