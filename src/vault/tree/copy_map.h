#pragma once
/// CopyMap: where sealed bytes were copied to. A place holds one plaintext for ever, so who still names a byte of the old place
/// may name the same byte of the copy instead (docs/decisions/0014).
///
/// Threads   filled by one, then read by any.

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "vault/tree/extent.h"

namespace coffer {

/// Bytes [from, to) of a file.
struct FileRange {
  std::uint64_t from = 0, to = 0;
};

/// Where a byte of a segment stands: ordinal of its chunk × kChunkBytes + its place in the chunk. Consecutive within a run.
inline std::uint64_t position_of(const Extent& extent) {
  return std::uint64_t{extent.place.ordinal} * kChunkBytes + extent.skip;
}

class CopyMap {
 public:
  enum class Of : std::uint8_t { Exclusive, Shared };

  /// Takes note of a copy; what it gives lives as long as the map.
  const Reference* keep(const Reference& copy) { return &kept_.emplace_back(copy); }
  /// The `length` bytes at `position` of `segment` are those of `copy` from its byte `at` on.
  void add(Of of, SegmentId segment, std::uint64_t position, std::uint64_t length,
           const Reference* copy, std::uint64_t at);
  struct Found {
    Extent extent;  // names the copy, at the same bytes of the file
    const Reference* copy = nullptr;
  };
  /// The parts of `extent` of which there is a copy, in order.
  [[nodiscard]] std::vector<Found> find(const Extent& extent) const;
  [[nodiscard]] bool empty() const { return copies_.empty(); }

 private:
  struct Key {
    Of of;
    SegmentId segment;
    std::uint64_t position;
    auto operator<=>(const Key&) const = default;
  };
  struct Copy {
    std::uint64_t length = 0;
    const Reference* copy = nullptr;
    std::uint64_t at = 0;
  };
  std::deque<Reference> kept_;
  std::map<Key, Copy> copies_;
};

/// Ascending, without overlap.
std::vector<FileRange> merged(std::vector<FileRange> ranges);

}  // namespace coffer
