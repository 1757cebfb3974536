#include "vault/tree/extent.h"

#include <algorithm>
#include <cassert>

namespace coffer {
namespace {
constexpr std::uint8_t kInlineFlag = 1;
constexpr std::uint8_t kSharedFlag = 2;
}  // namespace

Extent Extent::slice(std::uint64_t from, std::uint64_t to) const {
  from = std::max(from, offset);
  to = std::min(to, end());
  assert(from < to);
  Extent piece = *this;
  piece.offset = from;
  piece.length = to - from;
  if (is_inline) {
    piece.data = data.substr(from - offset, piece.length);
    return piece;
  }
  const std::uint64_t start = skip + (from - offset);
  piece.skip = static_cast<std::uint32_t>(start % kChunkBytes);
  piece.place = place.without_first(static_cast<std::uint32_t>(start / kChunkBytes));
  const std::uint64_t touched = (piece.skip + piece.length + kChunkBytes - 1) / kChunkBytes;
  piece.place = piece.place.first(static_cast<std::uint32_t>(touched));
  return piece;
}

void encode_extent(ByteWriter& out, const Extent& extent) {
  out.u8(static_cast<std::uint8_t>((extent.is_inline ? kInlineFlag : 0) |
                                   (extent.shared ? kSharedFlag : 0)));
  if (extent.is_inline) {
    out.prefixed(extent.data);
    return;
  }
  out.varint(extent.length);
  out.varint(extent.skip);
  encode_place(out, extent.place);
  if (extent.shared) out.varint(extent.run);
}

Result<Extent> decode_extent(std::uint64_t offset, ByteReader& in) {
  Extent extent;
  extent.offset = offset;
  const std::uint8_t flags = in.u8();
  if ((flags & ~(kInlineFlag | kSharedFlag)) != 0) return fail(Errc::Corrupt, "extent row: flags");
  if ((flags & kInlineFlag) != 0) {
    extent.is_inline = true;
    extent.data = in.prefixed();
    extent.length = extent.data.size();
  } else {
    extent.length = in.varint();
    const std::uint64_t skip = in.varint();
    extent.place = decode_place(in);
    if (skip >= kChunkBytes || extent.length > extent.place.bytes ||
        skip + extent.length > extent.place.bytes) {
      return fail(Errc::Corrupt, "extent row: out of its place");
    }
    extent.skip = static_cast<std::uint32_t>(skip);
    extent.shared = (flags & kSharedFlag) != 0;
    if (extent.shared) extent.run = static_cast<std::uint32_t>(in.varint());
  }
  if (!in.ok() || extent.length == 0 || extent.offset + extent.length < extent.offset) {
    return fail(Errc::Corrupt, "extent row");
  }
  return extent;
}

std::string encode_extents(const std::vector<Extent>& extents) {
  std::string bytes;
  ByteWriter out(bytes);
  out.varint(extents.size());
  for (const Extent& extent : extents) {
    out.varint(extent.offset);
    encode_extent(out, extent);
  }
  return bytes;
}

Result<std::vector<Extent>> decode_extents(std::string_view bytes) {
  std::vector<Extent> extents;
  if (bytes.empty()) return extents;
  ByteReader in(bytes);
  const std::uint64_t count = in.varint();
  if (count > bytes.size()) return fail(Errc::Corrupt, "inode row: extent count");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t offset = in.varint();
    COFFER_ASSIGN(Extent extent, decode_extent(offset, in));
    extents.push_back(std::move(extent));
  }
  if (!in.at_end()) return fail(Errc::Corrupt, "inode row: extents");
  return extents;
}

}  // namespace coffer
