#pragma once
/// SegmentOwners: the owner indexes of a sealed segment's stripes: whose bytes were written to it (docs/format.md §3.4).
///
/// Borrows   the context. Threads: any. Errors: none of its own; an index that cannot be read is counted.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "vault/segment/owner_index.h"
#include "vault/segment/segment.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

class SegmentCipher;
struct SegmentContext;

struct OwnersOfSegment {
  std::vector<OwnerEntry> entries;
  std::uint32_t stripes = 0;
  std::uint32_t unread =
      0;  // stripes whose index cannot be had: what they hold is not in `entries`
};

class SegmentOwners {
 public:
  SegmentOwners(SegmentContext& context, std::shared_ptr<Segment> segment,
                std::shared_ptr<const SegmentCipher> cipher);

  /// @param end the length of its longest shard file
  OwnersOfSegment read(std::uint64_t end);

 private:
  std::optional<StripeHeader> header_of(std::uint32_t stripe);
  Result<std::vector<OwnerEntry>> index_of(const StripeHeader& header);

  SegmentContext& context_;
  const std::shared_ptr<Segment> segment_;
  const std::shared_ptr<const SegmentCipher> cipher_;
};

}  // namespace coffer
