#include "vault/segment/shard_finding.h"

#include "vault/segment/segment_keys.h"

namespace coffer {

std::optional<StripeHeader> find_header(Bytes bytes, VaultUuid vault, const Segment& segment,
                                        std::uint32_t stripe, std::uint32_t shard,
                                        const SegmentCipher* cipher, ShardFinding::State& state) {
  using State = ShardFinding::State;
  state = State::BadHeader;
  const auto header = decode_stripe_header(bytes);
  if (!header) return std::nullopt;
  const bool ours = header->vault == vault && header->segment_uid == segment.info().uid &&
                    header->stripe == stripe && header->shard == shard &&
                    header->shards() == segment.shards();
  if (!ours) return std::nullopt;
  const bool authentic = cipher == nullptr || stripe_header_authentic(bytes, cipher->header_mac());
  state = authentic ? State::Good : State::Forged;
  return *header;
}

}  // namespace coffer
