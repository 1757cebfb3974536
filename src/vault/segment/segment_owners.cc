#include "vault/segment/segment_owners.h"

#include <utility>

#include "vault/segment/segment_context.h"
#include "vault/segment/shard_rebuild.h"

namespace coffer {

SegmentOwners::SegmentOwners(SegmentContext& context, std::shared_ptr<Segment> segment,
                             std::shared_ptr<const SegmentCipher> cipher)
    : context_(context), segment_(std::move(segment)), cipher_(std::move(cipher)) {}

std::optional<StripeHeader> SegmentOwners::header_of(std::uint32_t stripe) {
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    if (auto header = read_stripe_header(context_, *segment_, stripe, shard)) return *header;
  }
  return std::nullopt;
}

Result<std::vector<OwnerEntry>> SegmentOwners::index_of(const StripeHeader& header) {
  const std::uint32_t bytes = header.index_sealed_bytes;
  if (bytes <= kTagBytes) return fail(Errc::Corrupt, "owner index");
  const BufferRef plain = context_.deps.buffers.take(bytes);
  const MutableBytes out = plain.span().first(bytes - kTagBytes);
  const auto opens = [&](Bytes sealed) {
    return cipher_->open(header.index_ordinal, sealed, out).has_value();
  };
  const std::uint32_t slot = segment_->slot(header.stripe, header.index_shard);
  const std::uint64_t at = stripe_byte(header.stripe) + kStripeHeaderBytes + header.index_offset;
  bool good = false;
  if (!segment_->is_lost(slot, header.stripe)) {
    const auto here = context_.files.read(*segment_, slot, at, bytes, context_.deps.buffers);
    good = here && opens(here->span().first(bytes));
  }
  if (!good)
    COFFER_TRY(ShardRebuild(context_, *segment_, header.stripe)
                   .rebuild(header.index_shard, header.index_offset, bytes, opens));
  return OwnerIndex::decode(out);
}

OwnersOfSegment SegmentOwners::read(std::uint64_t end) {
  OwnersOfSegment found;
  if (end == 0) found.unread = 1;  // no file of it can be opened
  for (std::uint32_t stripe = 0; stripe_byte(stripe) < end;) {
    const auto header = header_of(stripe);
    if (!header) {
      // A tail that was never closed, or a stripe without any header that verifies.
      ++found.unread;
      ++stripe;
      continue;
    }
    ++found.stripes;
    auto entries = index_of(*header);
    if (entries)
      found.entries.insert(found.entries.end(), entries->begin(), entries->end());
    else
      ++found.unread;
    stripe += blocks_for(header->longest());
  }
  return found;
}

}  // namespace coffer
