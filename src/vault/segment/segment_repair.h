#pragma once
/// SegmentRepair: every stripe of one sealed segment read and verified, and its shard files made anew (docs/decisions/0012).
///
/// Borrows   the context; reports to it volumes that fail while they are written.
/// Threads   one at a time per segment (the caller's upkeep lock).
/// Errors    Cancelled (the step said so), NotFound (the segment was removed meanwhile), NoSpace, Io (a target failed). What is
///           damaged is a finding, not an error. After an error the old files are as they were.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "vault/segment/segment_store.h"
#include "vault/segment/shard_finding.h"
#include "vault/segment/stripe_image.h"

namespace coffer {

class ShardFile;
class Volume;
struct SegmentContext;

/// What the degraded list says of one segment.
struct ListedShards {
  std::map<std::uint32_t, std::uint32_t> stripes;  // stripe → bits by shard
  std::uint32_t slots = 0;                         // bits by slot: whole files
  bool operator==(const ListedShards&) const = default;
};

struct ShardFault {
  ShardRef shard;
  std::uint8_t member = 0;
  std::uint32_t slot = 0;
  ShardFinding::State state = ShardFinding::State::Absent;
};

/// What was read of a segment, what was wrong and what was written.
struct SegmentReceipt {
  SegmentId id;
  SegmentUid uid;
  std::vector<std::uint32_t> stripes;      // read, and what belongs there is known
  std::vector<std::uint32_t> unexplained;  // read, and no k shards tell what belongs there
  std::vector<ShardFault> faults;          // on volumes that are there
  std::vector<std::uint32_t> unverified;   // read, all shards agree, and chunks of it do not verify
  std::uint32_t bad_slots = 0;             // bits: where the faults are
  std::uint32_t fixable_slots = 0;         // of these, where a fault is in a stripe that is known
  std::uint32_t rebuilt_slots = 0;
  std::uint64_t shards_read = 0, shards_written = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;
  std::uint64_t chunks = 0, chunks_unverified = 0;
  /// Where a stripe might begin and no shard says so: nothing was closed there, or all of its headers are gone. Only who
  /// knows the rows can tell which (docs/decisions/0012).
  std::uint64_t blocks_without_header = 0;
  /// Some stripe has more sets of shards than were tried for one whose tags hold.
  bool gave_up = false;
};

class SegmentRepair {
 public:
  /// After each stripe: bytes that were read and written. An error ends the work.
  using Step = std::function<Result<void>(std::uint64_t bytes)>;
  struct Target {
    std::uint32_t slot = 0;
    Volume* volume = nullptr;  // where the file goes
  };

  /// Without keys (`cipher` null) checksums and parity are all that is checked.
  SegmentRepair(SegmentContext& context, std::shared_ptr<Segment> segment,
                std::shared_ptr<const SegmentCipher> cipher);

  /// Reads all shards of all stripes.
  Result<SegmentReceipt> check(const ListedShards& listed, const Step& step);
  /// Makes the files of these slots anew, each whole or not at all. @pre a cipher
  Result<SegmentReceipt> rebuild(const std::vector<Target>& targets, const ListedShards& listed,
                                 const Step& step);

 private:
  struct Output;
  using OnStripe = std::function<Result<void>(StripeImage&)>;
  using OnBlock = std::function<Result<void>(std::uint32_t block)>;

  [[nodiscard]] std::uint64_t longest_file();
  [[nodiscard]] StripeImage::ShardBits listed_shards(const ListedShards& listed,
                                                     std::uint32_t stripe) const;
  Result<void> walk(const ListedShards& listed, StripeImage::Reading reading,
                    const OnStripe& on_stripe, const OnBlock& on_block);
  void note(StripeImage& image, SegmentReceipt& receipt) const;
  Result<Output> begin(const Target& target);
  Result<void> write(Output& output, std::uint32_t stripe, const IoSlice& content);
  Result<void> write_stripe(Output& output, StripeImage& image);
  Result<void> keep_bytes(Output& output, std::uint32_t block, std::uint32_t bytes);
  Result<void> keep_block(Output& output, std::uint32_t block, std::uint32_t bytes);
  Result<void> finish(Output& output);
  Result<void> read_back(const Output& output);
  void give_up(Output& output);
  void target_failed(const Output& output, const Error& why);

  SegmentContext& context_;
  const std::shared_ptr<Segment> segment_;
  const std::shared_ptr<const SegmentCipher> cipher_;
};

}  // namespace coffer
