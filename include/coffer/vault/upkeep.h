#pragma once
/// What scrub, heal and the replacement of a volume are asked, and the receipt that they end with.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace coffer {

struct UpkeepOptions {
  std::uint64_t bytes_per_second = 0;  // read and written together; 0: as fast as it goes
  bool repair = true;                  // scrub may only look
  /// Now and then; false stops the work between two stripes (what is done stays done).
  std::function<bool(std::uint64_t done, std::uint64_t total)> progress;
};

struct UpkeepReceipt {
  static constexpr std::size_t kLinesMax = 10'000;
  static constexpr std::size_t kStripesMax = 1'000'000;

  /// Every stripe that was read, by its first block. Behind the first kStripesMax of them only how many they are.
  struct Segment {
    std::uint64_t id = 0;
    std::string uid;
    std::uint64_t count = 0;
    std::vector<std::uint32_t> stripes;  // verified
    std::vector<std::uint32_t> lost;     // more shards are gone than parity covers
  };
  std::vector<Segment> segments;
  std::uint64_t stripes = 0, shards_read = 0, chunks = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;
  std::uint64_t shards_bad = 0;      // found missing, damaged or unknown on volumes that are there
  std::uint64_t shards_rebuilt = 0;  // in files that were made anew
  std::uint64_t files_rebuilt = 0;
  std::uint64_t extents_moved = 0;      // out of segments with less parity than the vault has
  std::uint64_t mirrors_made = 0;       // of the metadata
  std::uint64_t metadata_files = 0;     // verified, over all mirrors
  std::vector<std::string> bad;         // one line for each bad shard
  std::vector<std::string> unrepaired;  // what could not be made whole, or was only looked at
  std::uint64_t stripes_listed = 0;
  std::uint64_t bad_left_out = 0, unrepaired_left_out = 0;  // lines behind kLinesMax
  [[nodiscard]] bool whole() const { return unrepaired.empty(); }
};

}  // namespace coffer
