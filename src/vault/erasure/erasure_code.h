#pragma once
/// ErasureCode: k data shards and m parity shards, of which any k give back all.
///
/// Format    docs/format.md, erasure. Parity row p (shard k+p) has the Cauchy coefficient 1 /
///           ((k+p) xor j) for data shard j in GF(2^8) with polynomial 0x11d (ISA-L
///           gf_gen_cauchy1_matrix). With k = 1 every parity shard is a plain copy.
///           These choices are on disk for ever.
/// Owns      its encode tables and a bounded cache of decode tables, by (shards used, shards
///           wanted).
/// Threads   const members from any thread.
/// Errors    reconstruct: NotEnoughVolumes (fewer than k shards), InvalidArgument (an index out of
///           range or twice).
///
/// The code works byte by byte, so equal ranges of the shards may be given instead of whole shards.
/// It does not detect wrong bytes; CRC and AEAD do that.

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/core/mutex.h"

namespace coffer {

/// k and m of a stripe or a vault.
struct ErasureGeometry {
  unsigned data = 1;
  unsigned parity = 0;
  [[nodiscard]] unsigned shards() const { return data + parity; }
  bool operator==(const ErasureGeometry&) const = default;
};

class ErasureCode {
 public:
  static constexpr unsigned kShardsMax = 32;

  /// A shard (or a range of it) that is there. Shorter than what is wanted: continues as zeros.
  struct Present {
    unsigned index = 0;  // 0 .. k-1 data, k .. k+m-1 parity
    Bytes bytes;
  };
  /// A shard to compute; out.size() says how much of it.
  struct Wanted {
    unsigned index = 0;
    MutableBytes out;
  };

  /// InvalidArgument unless k ≥ 1 and k + m ≤ kShardsMax.
  static Result<std::shared_ptr<const ErasureCode>> make(ErasureGeometry geometry);

  [[nodiscard]] ErasureGeometry geometry() const { return geometry_; }

  /// Fills every parity span, each of its own length; data shards that end earlier continue as
  /// zeros.
  /// @pre data.size() = k, parity.size() = m; no data shard is longer than the longest parity span.
  void encode(std::span<const Bytes> data, std::span<const MutableBytes> parity) const;

  /// Computes `wanted` out of any k of `present` (more may be given; what is wanted may be
  /// present).
  Result<void> reconstruct(std::span<const Present> present, std::span<const Wanted> wanted) const;

  /// Decode tables held now; bounded by kCacheBytesMax.
  [[nodiscard]] std::size_t cached_bytes() const EXCLUDES(mutex_);
  static constexpr std::size_t kCacheBytesMax = std::size_t{1} << 20;

 private:
  using Tables = std::vector<unsigned char>;  // 32 bytes per coefficient, row by row
  using PatternKey = std::uint64_t;           // bits of shards used, bits of shards wanted
  struct CacheEntry {
    PatternKey key;
    std::shared_ptr<const Tables> tables;
  };

  explicit ErasureCode(ErasureGeometry geometry);
  std::shared_ptr<const Tables> decode_tables(std::uint32_t used, std::uint32_t wanted) const
      EXCLUDES(mutex_);
  Tables build_decode_tables(std::uint32_t used, std::uint32_t wanted) const;

  const ErasureGeometry geometry_;
  std::vector<unsigned char> matrix_;  // (k+m) × k, identity on top
  Tables encode_tables_;

  mutable Mutex mutex_;
  mutable std::list<CacheEntry> recent_ GUARDED_BY(mutex_);  // most recent first
  mutable std::unordered_map<PatternKey, std::list<CacheEntry>::iterator> by_key_
      GUARDED_BY(mutex_);
  mutable std::size_t cached_bytes_ GUARDED_BY(mutex_) = 0;
};

/// ErasureCodes: the codes in use by one vault, one object per (k, m).
/// Threads   from any thread.
class ErasureCodes {
 public:
  Result<std::shared_ptr<const ErasureCode>> get(ErasureGeometry geometry) EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::unordered_map<unsigned, std::shared_ptr<const ErasureCode>> codes_ GUARDED_BY(mutex_);
};

}  // namespace coffer
