#include "vault/tree/live_count.h"

#include <algorithm>
#include <set>
#include <utility>

namespace coffer {

void count_removed(FileContent& content, const std::vector<Extent>& pieces) {
  std::set<std::pair<SegmentId, std::uint32_t>> counted;  // chunks at the pieces' borders
  for (const Extent& piece : pieces) {
    if (piece.is_inline || piece.shared) continue;
    const Place& place = piece.place;
    const std::uint32_t chunks = place.chunks();
    std::int64_t dead = 0;
    for (std::uint32_t i = 0; i < chunks; ++i) {
      const std::uint32_t bytes = i + 1 < chunks ? kChunkBytes : place.bytes - i * kChunkBytes;
      const bool border = i == 0 || i + 1 == chunks;
      if (border) {
        // The chunk's bytes stood at [start, start + bytes) of the file; what is left of them can
        // only be there.
        const std::uint64_t begin = std::uint64_t{i} * kChunkBytes;
        const std::uint64_t start =
            piece.offset + begin >= piece.skip ? piece.offset + begin - piece.skip : 0;
        if (content.extents.refers(start, start + bytes, place.segment, place.ordinal + i))
          continue;
        if (!counted.emplace(place.segment, place.ordinal + i).second) continue;
      }
      dead += bytes;
    }
    if (dead != 0) content.removed[place.segment] += dead;
  }
}

LiveBytes count_added(FileContent& content, const std::vector<Reference>& references) {
  LiveBytes added;
  for (const Reference& reference : references) {
    added[reference.place.segment] += reference.place.bytes;
    content.added[reference.place.segment] += reference.place.bytes;
  }
  return added;
}

}  // namespace coffer
