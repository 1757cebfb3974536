#include "vault/tree/copy_map.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coffer {

void CopyMap::add(Of of, SegmentId segment, std::uint64_t position, std::uint64_t length,
                  const Reference* copy, std::uint64_t at) {
  copies_.insert_or_assign(Key{of, segment, position}, Copy{length, copy, at});
}

std::vector<CopyMap::Found> CopyMap::find(const Extent& extent) const {
  std::vector<Found> found;
  if (extent.is_inline) return found;
  const Of of = extent.shared ? Of::Shared : Of::Exclusive;
  const std::uint64_t begin = position_of(extent);
  const std::uint64_t end = begin + extent.length;
  auto at = copies_.upper_bound({of, extent.place.segment, begin});
  if (at != copies_.begin()) --at;
  for (; at != copies_.end(); ++at) {
    const auto& [key, copy] = *at;
    if (key.of < of || key.segment < extent.place.segment) continue;
    if (key.of != of || key.segment != extent.place.segment || key.position >= end) break;
    const std::uint64_t from = std::max(begin, key.position);
    const std::uint64_t to = std::min(end, key.position + copy.length);
    if (from >= to) continue;
    Extent whole;
    whole.length = copy.copy->place.bytes;
    whole.place = copy.copy->place;
    const std::uint64_t in_copy = copy.at + (from - key.position);
    Extent piece = whole.slice(in_copy, in_copy + (to - from));
    piece.offset = extent.offset + (from - begin);
    piece.shared = extent.shared;
    piece.run = extent.shared ? copy.copy->place.ordinal : 0;
    found.push_back({std::move(piece), copy.copy});
  }
  return found;
}

std::vector<FileRange> merged(std::vector<FileRange> ranges) {
  std::ranges::sort(ranges, {}, &FileRange::from);
  std::vector<FileRange> all;
  for (const FileRange& one : ranges) {
    if (!all.empty() && one.from <= all.back().to)
      all.back().to = std::max(all.back().to, one.to);
    else
      all.push_back(one);
  }
  return all;
}

}  // namespace coffer
