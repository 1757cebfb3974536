#pragma once
/// SegmentScan: walks a segment's stripes across the volumes that are there, for fsck, scrub and
/// salvage. Needs no database; with Depth::Headers and Depth::Checksums no key either.
///
/// Format    docs/format.md §3.
/// Borrows   what the deps name; the journal is never called.
/// Threads   one scan at a time per object.
/// Errors    of the scan itself only (a key that is not there); damage is a finding, not an error.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "vault/segment/owner_index.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/segment_store_options.h"
#include "vault/segment/shard_finding.h"
#include "vault/segment/stripe_header.h"

namespace coffer {

struct SegmentContext;

struct StripeFinding {
  StripeHeader header;  // of one shard that is good, or as good as there is
  std::array<ShardFinding, kStripeShardsMax> shards{};
  /// Depth::Contents: from the owner index, rebuilt where needed.
  bool index_verified = false;
  std::vector<OwnerEntry> owners;
  std::uint32_t chunks = 0;
  std::uint32_t chunks_bad = 0;   // do not verify where they stand
  std::uint32_t chunks_lost = 0;  // of these, not to be rebuilt either

  [[nodiscard]] bool whole() const;
};

class SegmentScan {
 public:
  enum class Depth : std::uint8_t {
    Headers,    // header checksums
    Checksums,  // and every payload's
    Contents,   // and MACs, the owner index, every chunk's AEAD tag
  };
  struct Totals {
    std::uint64_t stripes = 0;
    std::uint64_t bytes_read = 0;
    /// Blocks where a stripe might have begun and no header is: an unclosed tail, or all headers of
    /// a stripe are gone.
    std::uint64_t blocks_without_header = 0;
  };
  /// False ends the scan.
  using OnStripe = std::function<bool(const StripeFinding&)>;

  explicit SegmentScan(SegmentStoreDeps deps);
  ~SegmentScan();

  Result<Totals> scan(const SegmentInfo& segment, Depth depth, const OnStripe& on_stripe);

  /// Every shard of every stripe without a key: checksums and parity.
  Result<SegmentReceipt> check_keyless(const SegmentInfo& segment,
                                       const std::function<Result<void>(std::uint64_t)>& step);

  /// For salvage: a segment's geometry from the headers in its shard files; `uid` from their names.
  /// NotFound when no header can be read.
  Result<SegmentInfo> find(SegmentUid uid);

 private:
  struct Walk;
  StripeFinding inspect(const Walk& walk, std::uint32_t stripe, Depth depth,
                        const StripeHeader& header, Totals& totals);
  void inspect_contents(const Walk& walk, StripeFinding& finding);

  std::unique_ptr<SegmentContext> context_;
};

}  // namespace coffer
