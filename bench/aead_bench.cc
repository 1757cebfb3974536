// How many bytes a second does one core seal and open, in chunks of 16 KiB?

#include <benchmark/benchmark.h>

#include <string>

#include "vault/crypto/aead.h"
#include "vault/crypto/key_ring.h"
#include "vault/crypto/random.h"

namespace coffer::crypto {
namespace {

constexpr std::size_t kAadBytes = 48;

MutableBytes writable(std::string& s) { return std::as_writable_bytes(std::span(s)); }

void seal(benchmark::State& state, CipherId cipher) {
  const Aead aead(cipher, SecretKey::random());
  const std::string aad(kAadBytes, 'a');
  const std::string plain(static_cast<std::size_t>(state.range(0)), 'p');
  std::string sealed(Aead::sealed_size(plain.size()), '\0');
  std::uint64_t ordinal = 0;
  for (auto _ : state) {
    if (!aead.seal(ordinal++, as_bytes(aad), as_bytes(plain), writable(sealed))) {
      state.SkipWithError("seal");
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void open(benchmark::State& state, CipherId cipher) {
  const Aead aead(cipher, SecretKey::random());
  const std::string aad(kAadBytes, 'a');
  std::string plain(static_cast<std::size_t>(state.range(0)), 'p');
  std::string sealed(Aead::sealed_size(plain.size()), '\0');
  if (!aead.seal(0, as_bytes(aad), as_bytes(plain), writable(sealed))) state.SkipWithError("seal");
  for (auto _ : state) {
    if (!aead.open(0, as_bytes(aad), as_bytes(sealed), writable(plain))) {
      state.SkipWithError("open");
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

/// What a chunk costs whose segment's key is not at hand: derive, make an Aead, open one chunk.
void open_cold(benchmark::State& state, CipherId cipher) {
  const SecretKey epoch = SecretKey::random();
  const SegmentUid segment(random_uuid());
  std::string plain(static_cast<std::size_t>(state.range(0)), 'p');
  std::string sealed(Aead::sealed_size(plain.size()), '\0');
  if (!Aead(cipher, segment_key(epoch, segment)).seal(0, {}, as_bytes(plain), writable(sealed))) {
    state.SkipWithError("seal");
  }
  for (auto _ : state) {
    const Aead aead(cipher, segment_key(epoch, segment));
    if (!aead.open(0, {}, as_bytes(sealed), writable(plain))) state.SkipWithError("open");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK_CAPTURE(seal, aes_256_gcm, CipherId::Aes256Gcm)->Arg(4096)->Arg(16384)->Arg(65536);
BENCHMARK_CAPTURE(open, aes_256_gcm, CipherId::Aes256Gcm)->Arg(4096)->Arg(16384)->Arg(65536);
BENCHMARK_CAPTURE(open_cold, aes_256_gcm, CipherId::Aes256Gcm)->Arg(16384);
BENCHMARK_CAPTURE(seal, xchacha20, CipherId::XChaCha20Poly1305)->Arg(4096)->Arg(16384)->Arg(65536);
BENCHMARK_CAPTURE(open, xchacha20, CipherId::XChaCha20Poly1305)->Arg(4096)->Arg(16384)->Arg(65536);
BENCHMARK_CAPTURE(open_cold, xchacha20, CipherId::XChaCha20Poly1305)->Arg(16384);

}  // namespace
}  // namespace coffer::crypto

BENCHMARK_MAIN();
