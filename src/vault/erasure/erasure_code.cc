#include "vault/erasure/erasure_code.h"

#include <isa-l/erasure_code.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

namespace coffer {
namespace {

constexpr std::size_t kTableBytes = 32;  // of one coefficient
constexpr std::size_t kZeroBytes = 16 * 1024;
constexpr std::size_t kRunBytesMax = std::size_t{1} << 30;  // ISA-L's lengths are of type int
alignas(64) const std::array<std::byte, kZeroBytes> kZeros{};

/// Sources and results of one matrix product; both may have ragged ends.
struct Product {
  std::span<const Bytes> sources;
  std::span<const MutableBytes> results;
  const unsigned char* tables;  // results.size() rows of sources.size() coefficients
};

unsigned char* writable(const std::byte* bytes) {
  return const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes));
}

/// The next offset after `at` where a source or a result ends.
std::size_t next_end(const Product& product, std::size_t at) {
  std::size_t end = at + kRunBytesMax;
  bool padded = false;
  for (const Bytes& source : product.sources) {
    if (source.size() > at)
      end = std::min(end, source.size());
    else
      padded = true;
  }
  for (const MutableBytes& result : product.results) {
    if (result.size() > at) end = std::min(end, result.size());
  }
  return padded ? std::min(end, at + kZeroBytes) : end;
}

/// Multiplies in runs within which no source and no result ends; an ended source is read as zeros.
void multiply(const Product& product) {
  std::size_t length = 0;
  for (const MutableBytes& result : product.results) length = std::max(length, result.size());
  const std::size_t k = product.sources.size();
  std::array<unsigned char*, ErasureCode::kShardsMax> sources{};
  std::array<unsigned char*, ErasureCode::kShardsMax> results{};
  for (std::size_t at = 0; at < length;) {
    const std::size_t end = next_end(product, at);
    for (std::size_t i = 0; i < k; ++i) {
      const Bytes& source = product.sources[i];
      sources[i] = writable(source.size() > at ? source.data() + at : kZeros.data());
    }
    // One call for each run of neighbouring rows that are not at their end yet.
    for (std::size_t row = 0; row < product.results.size();) {
      std::size_t rows = 0;
      while (row + rows < product.results.size() && product.results[row + rows].size() > at) {
        results[rows] = writable(product.results[row + rows].data() + at);
        ++rows;
      }
      if (rows == 0) {
        ++row;
        continue;
      }
      ec_encode_data(
          static_cast<int>(end - at), static_cast<int>(k), static_cast<int>(rows),
          writable(reinterpret_cast<const std::byte*>(product.tables) + row * k * kTableBytes),
          sources.data(), results.data());
      row += rows;
    }
    at = end;
  }
}

void copy_padded(Bytes from, MutableBytes to) {
  const std::size_t n = std::min(from.size(), to.size());
  std::copy_n(from.begin(), n, to.begin());
  std::fill(to.begin() + static_cast<std::ptrdiff_t>(n), to.end(), std::byte{0});
}

}  // namespace

Result<std::shared_ptr<const ErasureCode>> ErasureCode::make(ErasureGeometry geometry) {
  if (geometry.data < 1 || geometry.data > kShardsMax || geometry.parity > kShardsMax ||
      geometry.shards() > kShardsMax) {
    return fail(Errc::InvalidArgument, "data shards must be 1 or more, and all shards at most 32");
  }
  return std::shared_ptr<const ErasureCode>(new ErasureCode(geometry));
}

ErasureCode::ErasureCode(ErasureGeometry geometry) : geometry_(geometry) {
  const unsigned k = geometry.data;
  matrix_.resize(std::size_t{geometry.shards()} * k);
  if (k == 1) {
    // Mirrors: a copy can be checked and read without arithmetic.
    std::fill(matrix_.begin(), matrix_.end(), static_cast<unsigned char>(1));
  } else {
    gf_gen_cauchy1_matrix(matrix_.data(), static_cast<int>(geometry.shards()), static_cast<int>(k));
  }
  if (geometry.parity == 0) return;
  encode_tables_.resize(kTableBytes * k * geometry.parity);
  ec_init_tables(static_cast<int>(k), static_cast<int>(geometry.parity),
                 matrix_.data() + std::size_t{k} * k, encode_tables_.data());
}

void ErasureCode::encode(std::span<const Bytes> data, std::span<const MutableBytes> parity) const {
  assert(data.size() == geometry_.data && parity.size() == geometry_.parity);
  if (geometry_.parity == 0) return;
  if (geometry_.data == 1) {
    for (const MutableBytes& copy : parity) copy_padded(data[0], copy);
    return;
  }
  multiply({data, parity, encode_tables_.data()});
}

Result<void> ErasureCode::reconstruct(std::span<const Present> present,
                                      std::span<const Wanted> wanted) const {
  std::array<const Present*, kShardsMax> by_index{};
  for (const Present& shard : present) {
    if (shard.index >= geometry_.shards() || by_index[shard.index] != nullptr) {
      return fail(Errc::InvalidArgument, "a shard index is out of range or given twice");
    }
    by_index[shard.index] = &shard;
  }
  std::array<const Wanted*, kShardsMax> missing{};
  std::uint32_t missing_bits = 0;
  for (const Wanted& shard : wanted) {
    if (shard.index >= geometry_.shards() || missing[shard.index] != nullptr) {
      return fail(Errc::InvalidArgument, "a wanted shard is out of range or given twice");
    }
    if (by_index[shard.index] != nullptr) {
      copy_padded(by_index[shard.index]->bytes, shard.out);
    } else {
      missing[shard.index] = &shard;
      missing_bits |= std::uint32_t{1} << shard.index;
    }
  }
  if (missing_bits == 0) return {};

  // The lowest k that are there: data shards first, whose rows are those of the identity.
  std::array<Bytes, kShardsMax> sources{};
  std::array<MutableBytes, kShardsMax> results{};
  std::uint32_t used_bits = 0;
  unsigned used = 0;
  unsigned results_count = 0;
  for (unsigned i = 0; i < geometry_.shards(); ++i) {
    if (by_index[i] != nullptr && used < geometry_.data) {
      sources[used++] = by_index[i]->bytes;
      used_bits |= std::uint32_t{1} << i;
    }
    if (missing[i] != nullptr) results[results_count++] = missing[i]->out;
  }
  if (used < geometry_.data) {
    return fail(Errc::NotEnoughVolumes, "fewer shards than data shards are there");
  }
  if (geometry_.data == 1) {
    for (unsigned i = 0; i < results_count; ++i) copy_padded(sources[0], results[i]);
    return {};
  }
  const auto tables = decode_tables(used_bits, missing_bits);
  multiply(
      {std::span(sources).first(used), std::span(results).first(results_count), tables->data()});
  return {};
}

ErasureCode::Tables ErasureCode::build_decode_tables(std::uint32_t used,
                                                     std::uint32_t wanted) const {
  const unsigned k = geometry_.data;
  std::vector<unsigned char> survivors;
  for (unsigned i = 0; i < geometry_.shards(); ++i) {
    if ((used >> i & 1U) == 0) continue;
    survivors.insert(survivors.end(), matrix_.begin() + i * k, matrix_.begin() + (i + 1) * k);
  }
  std::vector<unsigned char> inverse(std::size_t{k} * k);
  // Every k rows of [identity; Cauchy] are independent, so the inverse always exists.
  [[maybe_unused]] const int singular =
      gf_invert_matrix(survivors.data(), inverse.data(), static_cast<int>(k));
  assert(singular == 0);

  // A data shard's row is one of the inverse; a parity shard's is its own row times the inverse.
  std::vector<unsigned char> rows;
  for (unsigned i = 0; i < geometry_.shards(); ++i) {
    if ((wanted >> i & 1U) == 0) continue;
    for (unsigned column = 0; column < k; ++column) {
      unsigned char sum = 0;
      for (unsigned j = 0; j < k; ++j) {
        sum ^= gf_mul(matrix_[std::size_t{i} * k + j], inverse[std::size_t{j} * k + column]);
      }
      rows.push_back(sum);
    }
  }
  Tables tables(kTableBytes * rows.size());
  ec_init_tables(static_cast<int>(k), static_cast<int>(rows.size() / k), rows.data(),
                 tables.data());
  return tables;
}

std::shared_ptr<const ErasureCode::Tables> ErasureCode::decode_tables(std::uint32_t used,
                                                                      std::uint32_t wanted) const {
  const PatternKey key = PatternKey{used} << 32 | wanted;
  {
    MutexLock lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second);
      return found->second->tables;
    }
  }
  auto tables = std::make_shared<const Tables>(build_decode_tables(used, wanted));
  MutexLock lock(mutex_);
  if (by_key_.contains(key)) return tables;  // another thread was first
  cached_bytes_ += tables->size();
  recent_.push_front({key, tables});
  by_key_.emplace(key, recent_.begin());
  while (cached_bytes_ > kCacheBytesMax && recent_.size() > 1) {
    cached_bytes_ -= recent_.back().tables->size();
    by_key_.erase(recent_.back().key);
    recent_.pop_back();
  }
  return tables;
}

std::size_t ErasureCode::cached_bytes() const {
  MutexLock lock(mutex_);
  return cached_bytes_;
}

Result<std::shared_ptr<const ErasureCode>> ErasureCodes::get(ErasureGeometry geometry) {
  if (geometry.data > ErasureCode::kShardsMax || geometry.parity > ErasureCode::kShardsMax) {
    return fail(Errc::InvalidArgument, "data shards must be 1 or more, and all shards at most 32");
  }
  const unsigned key = geometry.data << 8 | geometry.parity;
  MutexLock lock(mutex_);
  if (const auto found = codes_.find(key); found != codes_.end()) return found->second;
  COFFER_ASSIGN(auto code, ErasureCode::make(geometry));
  codes_.emplace(key, code);
  return code;
}

}  // namespace coffer
