#include "vault/upkeep/receipt.h"

#include <bit>
#include <string>
#include <utility>

namespace coffer {
namespace {

const char* words(ShardFinding::State state) {
  switch (state) {
    case ShardFinding::State::Unused:
    case ShardFinding::State::NotRead:
    case ShardFinding::State::Good:
      return "listed as degraded";
    case ShardFinding::State::Absent:
      return "not there";
    case ShardFinding::State::BadHeader:
      return "its header is damaged";
    case ShardFinding::State::Forged:
      return "its header is not ours";
    case ShardFinding::State::BadPayload:
      return "its bytes are damaged";
    case ShardFinding::State::Wrong:
      return "its bytes are not those that were written";
  }
  return "";
}

}  // namespace

void add_reading(UpkeepReceipt& receipt, const SegmentReceipt& found) {
  const std::size_t stripes = found.stripes.size() + found.unexplained.size();
  UpkeepReceipt::Segment segment{found.id.value(), found.uid.value().to_string(), stripes, {}, {}};
  if (receipt.stripes_listed + stripes <= UpkeepReceipt::kStripesMax) {
    segment.stripes = found.stripes;
    segment.lost = found.unexplained;
    receipt.stripes_listed += stripes;
  }
  receipt.segments.push_back(std::move(segment));
  receipt.stripes += stripes;
  receipt.shards_read += found.shards_read;
  receipt.bytes_read += found.bytes_read;
  receipt.chunks += found.chunks;
  receipt.shards_bad += found.faults.size();
  for (const ShardFault& fault : found.faults)
    add_bad(receipt, "segment " + std::to_string(found.id.value()) + ", stripe " +
                         std::to_string(fault.shard.stripe) + ", shard " +
                         std::to_string(fault.shard.shard) + " on volume " +
                         std::to_string(fault.member) + ": " + words(fault.state));
}

void add_writing(UpkeepReceipt& receipt, const SegmentReceipt& done) {
  receipt.files_rebuilt += static_cast<std::uint64_t>(std::popcount(done.rebuilt_slots));
  receipt.shards_rebuilt += done.shards_written;
  receipt.bytes_written += done.bytes_written;
}

void add_bad(UpkeepReceipt& receipt, std::string line) {
  if (receipt.bad.size() < UpkeepReceipt::kLinesMax)
    receipt.bad.push_back(std::move(line));
  else
    ++receipt.bad_left_out;
}

void add_unrepaired(UpkeepReceipt& receipt, std::string line) {
  if (receipt.unrepaired.size() < UpkeepReceipt::kLinesMax)
    receipt.unrepaired.push_back(std::move(line));
  else
    ++receipt.unrepaired_left_out;
}

}  // namespace coffer
