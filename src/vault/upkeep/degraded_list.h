#pragma once
/// DegradedList: the durable list of shards that are missing or unknown: rows `G` (docs/format.md §5.1).
///
/// Threads   any; it keeps nothing.

#include <cstdint>
#include <map>
#include <set>

#include "vault/meta/meta_store.h"
#include "vault/segment/segment_repair.h"

namespace coffer {

class DegradedList {
 public:
  explicit DegradedList(MetaStore& meta) : meta_(meta) {}

  /// All of it, also of segments that are gone. A row's shard beyond 31 is passed over.
  [[nodiscard]] Result<std::map<SegmentId, ListedShards>> read() const;
  [[nodiscard]] Result<bool> empty() const;

  /// The whole file in `slot`.
  static void add_file(MetaBatch& batch, SegmentId segment, std::uint8_t slot);
  /// What a rebuild made whole goes; what it found beyond repair is put on it. `unseen`: stripes that rows need and no header
  /// told of; what is listed of them stays, and a whole file's row does not go without rows for them.
  static void settle(MetaBatch& batch, const SegmentInfo& segment, const ListedShards& listed,
                     const SegmentReceipt& receipt, const std::set<std::uint32_t>& unseen);
  /// Every shard of a stripe that nothing is known of.
  static void add_stripe(MetaBatch& batch, const SegmentInfo& segment, std::uint32_t stripe);
  /// One that is bad in a stripe that nothing explains; else nothing.
  static void add_lost(MetaBatch& batch, const SegmentReceipt& found, const ShardFault& fault);
  /// For a segment that has no row any more.
  static void drop(MetaBatch& batch, SegmentId segment);

 private:
  MetaStore& meta_;
};

}  // namespace coffer
