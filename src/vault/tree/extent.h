#pragma once
/// Extent: a run of a file's bytes and what holds it. Format: docs/format.md §5.4.
///
///   Chunks   bytes [skip, skip + length) of a Place's plaintext. Byte-granular: trimming never
///   rewrites; the place is
///            narrowed to the chunks that are still touched.
///   Inline   the bytes themselves, in the row: small data that an fsync had to make durable, and
///   tiny files.
///
/// Sharing   An exclusive extent's chunks are referenced by this inode alone, all at their original
/// distance from the file's
///           start: whether a chunk is still live shows from the neighbourhood in this file. A
///           shared extent belongs to a shared run (rows kSharedRun, kSharedReference): a run's
///           bytes are live while any reference row exists.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "vault/segment/place.h"

namespace coffer {

struct Extent {
  std::uint64_t offset = 0;  // in the file
  std::uint64_t length = 0;
  Place place;  // Chunks
  std::uint32_t skip =
      0;  // Chunks: bytes of the place before the extent's first one; < kChunkBytes
  bool is_inline = false;
  bool shared = false;
  std::uint32_t run = 0;  // shared: first ordinal of its shared run
  std::string data;       // Inline

  [[nodiscard]] std::uint64_t end() const { return offset + length; }
  /// The part of it within [from, to). @pre the two overlap
  [[nodiscard]] Extent slice(std::uint64_t from, std::uint64_t to) const;
  bool operator==(const Extent&) const = default;
};

void encode_extent(ByteWriter& out, const Extent& extent);  // without offset: that is in the key
Result<Extent> decode_extent(std::uint64_t offset, ByteReader& in);

/// All extents of a small file, as its inode row holds them.
std::string encode_extents(const std::vector<Extent>& extents);
Result<std::vector<Extent>> decode_extents(std::string_view bytes);

}  // namespace coffer
