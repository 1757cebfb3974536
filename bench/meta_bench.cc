// How many rows a second does the metadata store put and get, and how many synced commits, on local volumes?

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"
#include "vault/meta/meta_store.h"
#include "vault/volume/local_volume.h"

namespace coffer {
namespace {

constexpr std::uint64_t kRows = 100'000;

class NoOwner final : public MetaStoreOwner {
 public:
  Result<void> mirror_failed(std::uint8_t /*member_index*/, const Error& why) override {
    return fail(why);
  }
};

/// A store on `mirrors` volumes in a directory of its own, on the disk that TMPDIR names.
class Store {
 public:
  explicit Store(std::size_t mirrors) : keys_(crypto::KeyRing::create(0)) {
    std::string root = (std::filesystem::temp_directory_path() / "coffer-meta-XXXXXX").string();
    root_ = ::mkdtemp(root.data());
    std::vector<MirrorDirectory> where;
    for (std::size_t i = 0; i < mirrors; ++i) {
      const std::string path = (root_ / std::to_string(i)).string();
      if (!create_local_volume_directory(path)) std::abort();
      volumes_.push_back(std::move(open_local_volume(path).value()));
      where.push_back({static_cast<std::uint8_t>(i), DirectoryUid(crypto::random_uuid()),
                       &volumes_[i]->files()});
    }
    const MetaStoreDeps deps{.keys = &keys_,
                             .cipher = default_cipher(),
                             .vault = VaultUuid(crypto::random_uuid()),
                             .boot = crypto::random_uuid(),
                             .barrier = nullptr,
                             .owner = &owner_};
    store_ = std::move(MetaStore::open(MetaStore::Mode::Create, deps, where, {}).value());
  }
  ~Store() {
    store_.reset();
    volumes_.clear();
    std::filesystem::remove_all(root_);
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  MetaStore& operator*() { return *store_; }

 private:
  std::filesystem::path root_;
  crypto::KeyRing keys_;
  NoOwner owner_;
  std::vector<std::unique_ptr<Volume>> volumes_;
  std::unique_ptr<MetaStore> store_;
};

std::string key_of(std::uint64_t i) {
  std::string key("i");
  ByteWriter(key).u64_big_endian(i * 0x9e3779b97f4a7c15U);
  return key;
}

std::unique_ptr<Store> g_store;
std::atomic<std::uint64_t> g_next{0};

void put_one(benchmark::State& state) {
  if (state.thread_index() == 0)
    g_store = std::make_unique<Store>(static_cast<std::size_t>(state.range(0)));
  const std::string value(120, 'v');
  for (auto _ : state) {
    MetaBatch batch;
    batch.put(key_of(g_next++), value);
    if (!(**g_store).commit(std::move(batch))) state.SkipWithError("commit");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) g_store.reset();
}

void synced_commit(benchmark::State& state) {
  if (state.thread_index() == 0)
    g_store = std::make_unique<Store>(static_cast<std::size_t>(state.range(0)));
  const std::string value(120, 'v');
  for (auto _ : state) {
    MetaBatch batch;
    batch.put(key_of(g_next++), value);
    if (!(**g_store).commit(std::move(batch)) || !(**g_store).sync()) state.SkipWithError("sync");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) g_store.reset();
}

void get_random(benchmark::State& state) {
  Store store(1);
  const std::string value(120, 'v');
  for (std::uint64_t i = 0; i < kRows;) {
    MetaBatch batch;
    for (int n = 0; n < 100; ++n) batch.put(key_of(i++), value);
    if (!(*store).commit(std::move(batch))) state.SkipWithError("commit");
  }
  std::mt19937_64 random(1);
  for (auto _ : state) {
    if (!(*store).get(key_of(random() % kRows))) state.SkipWithError("get");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(put_one)->Arg(1)->Arg(2)->ThreadRange(1, 8)->UseRealTime();
BENCHMARK(synced_commit)->Arg(1)->Arg(2)->ThreadRange(1, 8)->UseRealTime();
BENCHMARK(get_random);

}  // namespace
}  // namespace coffer

BENCHMARK_MAIN();
