#include "vault/segment/shard_rebuild.h"

#include <algorithm>
#include <utility>

#include "vault/segment/segment_context.h"

namespace coffer {

namespace {

constexpr int kTriesMax = 2048;  // all sets up to 10+4

/// Advances `pick`, ascending indexes below n, to the next combination; false after the last.
bool next_combination(std::vector<std::size_t>& pick, std::size_t n) {
  const std::size_t k = pick.size();
  for (std::size_t i = k; i-- > 0;) {
    if (pick[i] == n - k + i) continue;
    ++pick[i];
    for (std::size_t j = i + 1; j < k; ++j) pick[j] = pick[j - 1] + 1;
    return true;
  }
  return false;
}

}  // namespace

Result<StripeHeader> read_stripe_header(SegmentContext& context, const Segment& segment,
                                        std::uint32_t stripe, std::uint32_t shard) {
  const SegmentInfo& info = segment.info();
  const std::uint32_t slot = segment.slot(stripe, shard);
  if (segment.is_lost(slot, stripe)) return fail(Errc::Io, "the shard file failed a write or sync");
  COFFER_ASSIGN(BufferRef buffer, context.files.read(segment, slot, stripe_byte(stripe),
                                                     kStripeHeaderBytes, context.deps.buffers));
  const Bytes bytes = buffer.span().first(kStripeHeaderBytes);
  COFFER_ASSIGN(const StripeHeader header, decode_stripe_header(bytes));
  COFFER_ASSIGN(const auto cipher, context.ciphers.get(info));
  if (!stripe_header_authentic(bytes, cipher->header_mac())) {
    return fail(Errc::AuthenticationFailed, "stripe header");
  }
  const bool ours = header.vault == context.deps.vault && header.segment_uid == info.uid &&
                    header.stripe == stripe && header.shard == shard && header.k == info.k &&
                    header.m == info.m;
  if (!ours) return fail(Errc::Corrupt, "stripe header of another place");
  return header;
}

ShardRebuild::ShardRebuild(SegmentContext& context, const Segment& segment, std::uint32_t stripe)
    : context_(context), segment_(segment), stripe_(stripe) {
  for (std::uint32_t shard = 0; shard < segment.shards(); ++shard) {
    if (auto header = read_stripe_header(context, segment, stripe, shard)) {
      headers_[shard] = *std::move(header);
      any_ = &*headers_[shard];
    }
  }
}

std::optional<ShardRebuild::Source> ShardRebuild::read_source(std::uint32_t shard,
                                                              std::uint32_t begin,
                                                              std::uint32_t end,
                                                              bool& verified) const {
  Source source;
  source.shard = shard;
  const std::uint32_t stop = std::min(end, any_->bytes_of(shard));
  if (stop <= begin) {  // it continues as zeros, says a header that verifies
    verified = true;
    return source;
  }
  const std::uint32_t slot = segment_.slot(stripe_, shard);
  if (segment_.is_lost(slot, stripe_)) return std::nullopt;
  const std::uint64_t at = stripe_byte(stripe_) + kStripeHeaderBytes + begin;
  auto buffer = context_.files.read(segment_, slot, at, stop - begin, context_.deps.buffers);
  if (!buffer) return std::nullopt;
  source.buffer = *std::move(buffer);
  source.bytes = source.buffer.span().first(stop - begin);
  verified = headers_[shard] && pieces_match(*headers_[shard], begin, source.bytes);
  return source;
}

ShardRebuild::Sources ShardRebuild::gather(const Range& range, Effort effort) const {
  Sources sources;
  for (std::uint32_t shard = 0; shard < segment_.shards(); ++shard) {
    if (effort == Effort::FirstThatVerify && sources.verified.size() == any_->k) break;
    if (shard == range.shard) continue;
    bool verified = false;
    auto source = read_source(shard, range.begin, range.end, verified);
    if (!source) continue;
    (verified ? sources.verified : sources.doubtful).push_back(*std::move(source));
  }
  return sources;
}

Result<void> ShardRebuild::try_sets(const Range& range, const std::vector<Source>& sources,
                                    const Accept& accept) const {
  const std::size_t k = any_->k;
  if (sources.size() < k) return fail(Errc::Io, "fewer than k shards can be read");
  COFFER_ASSIGN(const auto code, context_.deps.codes.get({any_->k, any_->m}));
  const std::uint32_t length = range.offset + range.bytes - range.begin;
  const BufferRef out = context_.deps.buffers.take(length);
  const MutableBytes rebuilt = out.span().first(length);
  std::vector<std::size_t> pick(k);
  for (std::size_t i = 0; i < k; ++i) pick[i] = i;
  // Sets come with the verified shards first, since these stand first.
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::vector<ErasureCode::Present> present;
    for (const std::size_t i : pick) present.push_back({sources[i].shard, sources[i].bytes});
    const ErasureCode::Wanted wanted{range.shard, rebuilt};
    COFFER_TRY(code->reconstruct(present, {&wanted, 1}));
    if (accept(rebuilt.subspan(range.offset - range.begin))) return {};
    if (!next_combination(pick, sources.size())) break;
  }
  return fail(Errc::Io, "no k shards of the stripe give bytes that verify");
}

Result<void> ShardRebuild::rebuild(std::uint32_t shard, std::uint32_t offset, std::uint32_t bytes,
                                   const Accept& accept) {
  if (any_ == nullptr) return fail(Errc::Io, "no header of the stripe verifies");
  if (shard >= any_->k || std::uint64_t{offset} + bytes > any_->bytes_of(shard)) {
    return fail(Errc::Io, "the stripe does not hold this place");
  }
  // Whole pieces, since a CRC covers a piece; the shards' last ones are shorter.
  const Range range{shard, offset, bytes, offset / kPieceBytes * kPieceBytes,
                    pieces_of(offset + bytes) * kPieceBytes};
  const Sources first = gather(range, Effort::FirstThatVerify);
  if (first.verified.size() == any_->k && try_sets(range, first.verified, accept)) return {};
  Sources all = gather(range, Effort::All);
  std::ranges::move(all.doubtful, std::back_inserter(all.verified));
  return try_sets(range, all.verified, accept);
}

}  // namespace coffer
