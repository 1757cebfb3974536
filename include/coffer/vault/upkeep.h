#pragma once
/// What scrub, heal, clean and the replacement of a volume are asked, and the receipts that they end with.

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

/// What cleaning did: live bytes of partly dead segments were moved together, and their space is free.
struct CleaningReceipt {
  static constexpr std::size_t kLinesMax = 1000;

  std::uint64_t rounds = 0;
  std::uint64_t segments_freed = 0;
  std::uint64_t segments_left =
      0;  // looked at, and still in use: their bytes changed meanwhile or cannot be read
  std::uint64_t bytes_freed = 0;   // that the freed segments held, as data
  std::uint64_t bytes_copied = 0;  // sealed again
  std::uint64_t bytes_moved = 0;   // of these, in use at their new place
  std::uint64_t dead_bytes_before = 0, dead_bytes_after = 0;  // in segments that are not written to
  std::vector<std::string> unmoved;                           // what could not be read
};

}  // namespace coffer
