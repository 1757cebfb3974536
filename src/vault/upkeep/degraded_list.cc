#include "vault/upkeep/degraded_list.h"

#include <algorithm>
#include <string>

#include "vault/segment/stripe_layout.h"
#include "vault/tree/keys.h"

namespace coffer {

Result<std::map<SegmentId, ListedShards>> DegradedList::read() const {
  std::map<SegmentId, ListedShards> found;
  const std::string from(1, keys::kDegraded);
  auto rows = meta_.cursor(from, keys::prefix_end(from));
  for (rows->seek(from); rows->valid(); rows->next()) {
    ByteReader in(rows->key());
    in.u8();
    const SegmentId segment{in.u64_big_endian()};
    const std::uint32_t stripe = in.u32_big_endian();
    const std::uint8_t shard = in.u8();
    if (!in.ok() || shard >= kStripeShardsMax) continue;
    ListedShards& listed = found[segment];
    if (stripe == keys::kWholeFile)
      listed.slots |= 1U << shard;
    else
      listed.stripes[stripe] |= 1U << shard;
  }
  COFFER_TRY(rows->status());
  return found;
}

Result<bool> DegradedList::empty() const {
  const std::string from(1, keys::kDegraded);
  auto rows = meta_.cursor(from, keys::prefix_end(from));
  rows->seek(from);
  const bool none = !rows->valid();
  COFFER_TRY(rows->status());
  return none;
}

void DegradedList::add_file(MetaBatch& batch, SegmentId segment, std::uint8_t slot) {
  batch.put(keys::degraded(segment, keys::kWholeFile, slot), {});
}

void DegradedList::add_stripe(MetaBatch& batch, const SegmentInfo& segment, std::uint32_t stripe) {
  for (std::uint8_t shard = 0; shard < segment.k + segment.m; ++shard)
    batch.put(keys::degraded(segment.id, stripe, shard), {});
}

void DegradedList::settle(MetaBatch& batch, const SegmentInfo& segment, const ListedShards& listed,
                          const SegmentReceipt& receipt, const std::set<std::uint32_t>& unseen) {
  const std::uint32_t shards = std::uint32_t{segment.k} + segment.m;
  const auto is_lost = [&](std::uint32_t stripe) {
    return unseen.contains(stripe) ||
           std::ranges::find(receipt.unexplained, stripe) != receipt.unexplained.end();
  };
  const auto rebuilt = [&](std::uint32_t slot) {
    return (receipt.rebuilt_slots >> slot & 1U) != 0;
  };
  for (const auto& [stripe, bits] : listed.stripes) {
    for (std::uint8_t shard = 0; shard < shards; ++shard) {
      if ((bits >> shard & 1U) != 0 && rebuilt(slot_of(stripe, shard, shards)) && !is_lost(stripe))
        batch.remove(keys::degraded(segment.id, stripe, shard));
    }
  }
  for (std::uint8_t slot = 0; slot < shards; ++slot) {
    if ((listed.slots >> slot & 1U) != 0 && rebuilt(slot))
      batch.remove(keys::degraded(segment.id, keys::kWholeFile, slot));
  }
  for (const std::uint32_t stripe : unseen) add_stripe(batch, segment, stripe);
  for (const ShardFault& fault : receipt.faults) add_lost(batch, receipt, fault);
}

void DegradedList::add_lost(MetaBatch& batch, const SegmentReceipt& found,
                            const ShardFault& fault) {
  if (std::ranges::find(found.unexplained, fault.shard.stripe) == found.unexplained.end()) return;
  batch.put(keys::degraded(found.id, fault.shard.stripe, fault.shard.shard), {});
}

void DegradedList::drop(MetaBatch& batch, SegmentId segment) {
  const std::string first = keys::degraded(segment, 0, 0);
  const std::string of_segment = first.substr(0, 1 + sizeof(std::uint64_t));
  batch.remove_range(of_segment, keys::prefix_end(of_segment));
}

}  // namespace coffer
