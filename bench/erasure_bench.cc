// How fast are encoding and rebuilding for one core? Bytes per second are bytes of data, not of
// parity.
#include <benchmark/benchmark.h>

#include <vector>

#include "vault/erasure/crc32c.h"
#include "vault/erasure/erasure_code.h"

namespace coffer {
namespace {

struct Stripe {
  Stripe(ErasureGeometry geometry, std::size_t shard_bytes) {
    for (unsigned i = 0; i < geometry.shards(); ++i) {
      shards.emplace_back(shard_bytes, static_cast<std::byte>(i * 37 + 1));
    }
    for (unsigned i = 0; i < geometry.data; ++i) data.emplace_back(shards[i]);
    for (unsigned i = geometry.data; i < geometry.shards(); ++i) parity.emplace_back(shards[i]);
  }
  std::vector<std::vector<std::byte>> shards;
  std::vector<Bytes> data;
  std::vector<MutableBytes> parity;
};

ErasureGeometry geometry_of(const benchmark::State& state) {
  return {static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1))};
}

void count_data_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * state.range(2));
}

void encode(benchmark::State& state) {
  const auto code = ErasureCode::make(geometry_of(state));
  Stripe stripe(geometry_of(state), static_cast<std::size_t>(state.range(2)));
  for (auto _ : state) {
    (*code)->encode(stripe.data, stripe.parity);
    benchmark::ClobberMemory();
  }
  count_data_bytes(state);
}

/// Rebuilds the first m data shards, the dearest loss.
void reconstruct(benchmark::State& state) {
  const ErasureGeometry geometry = geometry_of(state);
  const auto code = ErasureCode::make(geometry);
  Stripe stripe(geometry, static_cast<std::size_t>(state.range(2)));
  (*code)->encode(stripe.data, stripe.parity);
  std::vector<ErasureCode::Present> present;
  std::vector<ErasureCode::Wanted> wanted;
  for (unsigned i = 0; i < geometry.shards(); ++i) {
    if (i < geometry.parity)
      wanted.push_back({i, stripe.shards[i]});
    else
      present.push_back({i, stripe.shards[i]});
  }
  for (auto _ : state) {
    if (!(*code)->reconstruct(present, wanted)) state.SkipWithError("not rebuilt");
    benchmark::ClobberMemory();
  }
  count_data_bytes(state);
}

void crc(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{3});
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(encode)->Args({4, 2, 16 << 10})->Args({4, 2, 64 << 10})->Args({4, 2, 1 << 20});
BENCHMARK(encode)->Args({2, 1, 64 << 10})->Args({10, 4, 64 << 10});
BENCHMARK(reconstruct)->Args({4, 2, 16 << 10})->Args({4, 2, 64 << 10})->Args({2, 1, 64 << 10});
BENCHMARK(crc)->Arg(512)->Arg(16 << 10)->Arg(1 << 20);

}  // namespace
}  // namespace coffer

BENCHMARK_MAIN();
