// How fast do bytes go into segments and come back, over directories on one disk (no sync timed
// but where it says so)?

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "coffer/core/executor.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/erasure/erasure_code.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/segment_store_options.h"
#include "vault/volume/local_volume.h"
#include "vault/volume/volume_set.h"

namespace coffer {
namespace {

class CountingJournal final : public SegmentJournal {
 public:
  Result<SegmentId> add_segment(const SegmentInfo&) override { return SegmentId(++last_); }
  void segment_sealed(const SegmentInfo&) override {}
  Result<void> shards_degraded(std::span<const ShardRef>) override { return {}; }
  Result<void> volume_failed(std::uint8_t, const Error&) override { return {}; }
  void shard_damaged(const ShardRef&) override {}

 private:
  std::uint64_t last_ = 0;
};

/// A store over k+m directories below $TMPDIR.
struct Bench {
  explicit Bench(const benchmark::State& state) {
    options.k = static_cast<std::uint8_t>(state.range(0));
    options.m = static_cast<std::uint8_t>(state.range(1));
    options.reserve = {1'000'000, 1, 1};
    const char* base = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    directory = std::string(base != nullptr ? base : "/tmp") + "/coffer-bench-" +
                crypto::random_uuid().to_string();
    for (std::uint8_t i = 0; i < options.k + options.m; ++i) {
      const std::string path = directory + "/v" + std::to_string(i);
      if (!create_local_volume_directory(path)) std::abort();
      volumes.set(i, std::move(*open_local_volume(path)), VolumeSet::State::Current);
    }
    store = std::make_unique<SegmentStore>(
        SegmentStoreDeps{volumes, keys, codes, buffers, &executor, journal,
                         VaultUuid(crypto::random_uuid()), CipherId::Aes256Gcm},
        options);
  }
  ~Bench() {
    store.reset();
    std::filesystem::remove_all(directory);
  }
  std::vector<Reference> append(const std::string& bytes) {
    auto done =
        store->append(SegmentStore::Stream::NewData, InodeId(1), ByteOffset(0), as_bytes(bytes));
    if (!done) std::abort();
    return *std::move(done);
  }

  std::string directory;
  SegmentStoreOptions options;
  VolumeSet volumes;
  crypto::KeyRing ring = crypto::KeyRing::create(0);
  KeyRingSource keys{ring};
  ErasureCodes codes;
  BufferPool buffers;
  Executor executor{{.name = "bench", .threads = 2, .queue_max = 64}};
  CountingJournal journal;
  std::unique_ptr<SegmentStore> store;
};

constexpr std::uint64_t kBytesOnDiskMax = std::uint64_t{512} << 20;

void append(benchmark::State& state) {
  Bench bench(state);
  const std::string bytes(1 << 20, 'x');
  std::uint64_t written = 0;
  for (auto _ : state) {
    const auto references = bench.append(bytes);
    written += bytes.size();
    if (written < kBytesOnDiskMax) continue;
    state.PauseTiming();
    written = 0;
    if (!bench.store->seal_open()) state.SkipWithError("seal");
    for (std::uint64_t id = 1; id < references.back().place.segment.value() + 1; ++id) {
      (void)bench.store->remove(SegmentId(id));
    }
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}

void append_4k_and_sync(benchmark::State& state) {
  Bench bench(state);
  const std::string bytes(4096, 'x');
  for (auto _ : state) {
    bench.append(bytes);
    if (!bench.store->sync()) state.SkipWithError("sync");
  }
}

/// range(2): bytes of one read; range(3): volumes absent.
void read(benchmark::State& state) {
  Bench bench(state);
  std::vector<Reference> references;
  for (int i = 0; i < 64; ++i) {
    for (const Reference& one : bench.append(std::string(1 << 20, 'x'))) {
      if (one.length.value() >= 131'072) references.push_back(one);
    }
  }
  if (!bench.store->sync()) state.SkipWithError("sync");
  for (std::int64_t i = 0; i < state.range(3); ++i) {
    bench.volumes.set_state(static_cast<std::uint8_t>(i), VolumeSet::State::Absent);
  }
  std::string out(static_cast<std::size_t>(state.range(2)), '\0');
  std::size_t next = 0;
  for (auto _ : state) {
    const Reference& one = references[next++ % references.size()];
    const auto skip =
        static_cast<std::uint32_t>(next * 4096 % (one.length.value() - out.size() + 1));
    if (!bench.store->read(one.place, skip, std::as_writable_bytes(std::span(out)),
                           SegmentStore::CacheUse::Bypass)) {
      state.SkipWithError("read");
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(2));
}

BENCHMARK(append)->Args({1, 0})->Args({1, 1})->Args({4, 2})->UseRealTime();
BENCHMARK(append_4k_and_sync)->Args({1, 0})->Args({4, 2})->UseRealTime();
BENCHMARK(read)
    ->Args({4, 2, 131'072, 0})
    ->Args({4, 2, 4'096, 0})
    ->Args({4, 2, 131'072, 1})
    ->Args({4, 2, 4'096, 1})
    ->UseRealTime();

}  // namespace
}  // namespace coffer

BENCHMARK_MAIN();
