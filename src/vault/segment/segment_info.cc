#include "vault/segment/segment_store.h"
#include "vault/segment/stripe_layout.h"

namespace coffer {

namespace {
constexpr std::uint8_t kInfoVersion = 1;
}

void encode_segment_info(ByteWriter& out, const SegmentInfo& info) {
  out.u8(kInfoVersion);
  out.u8(static_cast<std::uint8_t>(info.state));
  out.raw(info.uid.value().bytes());
  out.u8(info.k);
  out.u8(info.m);
  for (const std::uint8_t member : info.members) out.u8(member);
  out.u32(info.data_epoch);
  out.u32(info.shard_bytes_max);
}

SegmentInfo decode_segment_info(SegmentId id, ByteReader& in) {
  SegmentInfo info;
  info.id = id;
  const std::uint8_t version = in.u8();
  const std::uint8_t state = in.u8();
  info.uid = SegmentUid(Uuid::from_bytes(in.raw(Uuid::kBytes)));
  info.k = in.u8();
  info.m = in.u8();
  const std::uint32_t shards = std::uint32_t{info.k} + info.m;
  const bool sane = version == kInfoVersion && (state == 1 || state == 2) && info.k > 0 &&
                    shards <= kStripeShardsMax;
  if (!sane) {
    in.raw(in.remaining() + 1);  // makes in.ok() false
    return info;
  }
  info.state = static_cast<SegmentInfo::State>(state);
  for (std::uint32_t i = 0; i < shards; ++i) info.members.push_back(in.u8());
  info.data_epoch = in.u32();
  info.shard_bytes_max = in.u32();
  return info;
}

}  // namespace coffer
