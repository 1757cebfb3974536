#pragma once
/// ShardRebuild: sealed bytes of a data shard that is absent or does not verify, out of the
/// stripe's other shards.
///
/// Reads valid headers (CRC and MAC), then the CRC pieces that cover the wanted range from the
/// other shards, and tries sets of k of them, those that verify first, until the caller's check
/// (AEAD) accepts; the number of tries is bounded.
///
/// Threads   any. Errors: Io (no header, or no set of shards gives bytes that verify).

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "vault/erasure/erasure_code.h"
#include "vault/segment/segment.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

struct SegmentContext;

/// The stripe's headers as they are on the volumes; absent where they do not verify.
using StripeHeaders = std::array<std::optional<StripeHeader>, kStripeShardsMax>;  // by shard

/// The verified header of one shard. Corrupt, NotFound, Io, AuthenticationFailed.
Result<StripeHeader> read_stripe_header(SegmentContext& context, const Segment& segment,
                                        std::uint32_t stripe, std::uint32_t shard);

class ShardRebuild {
 public:
  /// Says whether rebuilt sealed bytes are the right ones, and uses them if so.
  using Accept = std::function<bool(Bytes sealed)>;

  ShardRebuild(SegmentContext& context, const Segment& segment, std::uint32_t stripe);

  /// Some shard has a valid header.
  [[nodiscard]] bool has_header() const { return any_ != nullptr; }

  /// Rebuilds payload bytes [offset, offset + bytes) of data shard `shard`.
  Result<void> rebuild(std::uint32_t shard, std::uint32_t offset, std::uint32_t bytes,
                       const Accept& accept);

 private:
  struct Source {
    std::uint32_t shard = 0;
    BufferRef buffer;
    Bytes bytes;
  };
  struct Sources {
    std::vector<Source> verified;
    std::vector<Source> doubtful;  // readable, but header or CRC does not hold
  };

  /// A range of one shard that is wanted, and the whole pieces around it.
  struct Range {
    std::uint32_t shard, offset, bytes, begin, end;
  };
  enum class Effort { FirstThatVerify, All };

  /// Source shards; with FirstThatVerify no more than k of them are read where k verify.
  Sources gather(const Range& range, Effort effort) const;
  Result<void> try_sets(const Range& range, const std::vector<Source>& sources,
                        const Accept& accept) const;
  std::optional<Source> read_source(std::uint32_t shard, std::uint32_t begin, std::uint32_t end,
                                    bool& verified) const;

  SegmentContext& context_;
  const Segment& segment_;
  const std::uint32_t stripe_;
  StripeHeaders headers_;
  const StripeHeader* any_ = nullptr;
};

}  // namespace coffer
