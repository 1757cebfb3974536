#include "vault/segment/place.h"

namespace coffer {

void encode_place(ByteWriter& out, const Place& place) {
  out.varint(place.segment.value());
  out.varint(place.stripe);
  out.varint(place.shard);
  out.varint(place.offset);
  out.varint(place.ordinal);
  out.varint(place.bytes);
}

namespace {

/// A varint that must fit T; a larger one makes the reader fail.
template <typename T>
T narrow(ByteReader& in) {
  const std::uint64_t value = in.varint();
  if (value > static_cast<T>(-1)) in.raw(in.remaining() + 1);
  return static_cast<T>(value);
}

}  // namespace

Place decode_place(ByteReader& in) {
  Place place;
  place.segment = SegmentId(in.varint());
  place.stripe = narrow<std::uint32_t>(in);
  place.shard = narrow<std::uint8_t>(in);
  place.offset = narrow<std::uint32_t>(in);
  place.ordinal = narrow<std::uint32_t>(in);
  place.bytes = narrow<std::uint32_t>(in);
  return place;
}

void encode_reference(ByteWriter& out, const Reference& reference) {
  out.varint(reference.inode.value());
  out.varint(reference.offset.value());
  out.varint(reference.length.value());
  encode_place(out, reference.place);
  out.varint(reference.skip);
}

Reference decode_reference(ByteReader& in) {
  Reference reference;
  reference.inode = InodeId(in.varint());
  reference.offset = ByteOffset(in.varint());
  reference.length = ByteCount(in.varint());
  reference.place = decode_place(in);
  reference.skip = narrow<std::uint32_t>(in);
  return reference;
}

}  // namespace coffer
