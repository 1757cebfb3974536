#include "vault/meta/sealed_frames.h"

#include <algorithm>

#include "vault/meta/nonce_log.h"

namespace coffer::meta {
namespace {

constexpr std::uint32_t kFrameMagic = 0x72466643;  // "CfFr"
constexpr std::size_t kChainOffset = 64;

std::string frame_aad(const SealedIdentity& identity, Bytes frame_header) {
  std::string aad = identity.header();
  aad.append(as_text(frame_header));
  return aad;
}

}  // namespace

Result<void> FrameSealer::seal(const FrameInfo& info, std::string_view needs,
                               std::string_view plain, std::string& out) {
  if (needs.size() > kBodyBytesMax || plain.size() > kBodyBytesMax - needs.size()) {
    return fail(Errc::TooLarge, "one metadata commit");
  }
  const std::size_t at = out.size();
  ByteWriter header(out);
  header.u32(kFrameMagic);
  header.u32(static_cast<std::uint32_t>(needs.size() + plain.size()));
  header.u64(sequence_);
  header.u64(plain_bytes_);
  header.u64(info.position);
  header.u64(info.synced_upto);
  header.u32(static_cast<std::uint32_t>(needs.size()));
  header.u32(info.commits);
  header.u64(info.peer_number);
  header.u64(info.peer_frames);
  header.raw(previous_);
  const std::string aad = frame_aad(identity_, as_bytes(out).subspan(at));

  const std::size_t body_at = out.size();
  out.append(needs);
  out.append(plain);
  out.resize(out.size() + crypto::Aead::kTagBytes);
  const MutableBytes body{reinterpret_cast<std::byte*>(out.data()) + body_at, out.size() - body_at};
  note_nonce(identity_.uid(), sequence_);
  COFFER_TRY(identity_.aead().seal(sequence_, as_bytes(aad),
                                   body.first(needs.size() + plain.size()), body));
  std::memcpy(previous_.data(), body.data() + body.size() - previous_.size(), previous_.size());
  ++sequence_;
  plain_bytes_ += plain.size();
  return {};
}

Result<Frame> open_frame(const SealedIdentity& identity, Bytes in) {
  ByteReader reader(in);
  const Bytes header = reader.raw(FrameSealer::kFrameHeaderBytes);
  if (!reader.ok()) return fail(Errc::Corrupt, "short frame");
  ByteReader fields(header);
  const std::uint32_t magic = fields.u32();
  const std::uint32_t body_bytes = fields.u32();
  Frame frame;
  frame.sequence = fields.u64();
  frame.plain_offset = fields.u64();
  frame.info.position = fields.u64();
  frame.info.synced_upto = fields.u64();
  const std::uint32_t needs_bytes = fields.u32();
  frame.info.commits = fields.u32();
  frame.info.peer_number = fields.u64();
  frame.info.peer_frames = fields.u64();
  if (magic != kFrameMagic || body_bytes > FrameSealer::kBodyBytesMax || needs_bytes > body_bytes) {
    return fail(Errc::Corrupt, "not a frame");
  }
  const Bytes sealed = reader.raw(crypto::Aead::sealed_size(body_bytes));
  if (!reader.ok()) return fail(Errc::Corrupt, "torn frame");

  std::string body(body_bytes, '\0');
  COFFER_TRY(identity.aead().open(frame.sequence, as_bytes(frame_aad(identity, header)), sealed,
                                  {reinterpret_cast<std::byte*>(body.data()), body.size()}));
  std::memcpy(frame.tag.data(), sealed.data() + body_bytes, frame.tag.size());
  frame.disk_bytes = FrameSealer::kFrameHeaderBytes + sealed.size();
  frame.needs = body.substr(0, needs_bytes);
  body.erase(0, needs_bytes);
  frame.plain_bytes = body.size();
  frame.plain = std::move(body);
  return frame;
}

FrameTag chained_tag(Bytes in) {
  FrameTag tag;
  std::memcpy(tag.data(), in.data() + kChainOffset, tag.size());
  return tag;
}

bool follows(const Frame* previous, const Frame& frame, const FrameTag& chained_to) {
  if (previous == nullptr)
    return frame.sequence == 0 && frame.plain_offset == 0 && chained_to == FrameTag{};
  return frame.sequence == previous->sequence + 1 && chained_to == previous->tag &&
         frame.plain_offset == previous->plain_offset + previous->plain_bytes;
}

LaterFrames find_later_frames(const SealedIdentity& identity, Bytes in) {
  LaterFrames later;
  std::string magic;
  ByteWriter(magic).u32(kFrameMagic);
  const std::string_view text = as_text(in);
  std::size_t at = text.find(magic);
  while (at != std::string_view::npos) {
    const auto frame = open_frame(identity, in.subspan(at));
    if (frame) {
      later.found = true;
      later.synced_upto = std::max(later.synced_upto, frame->info.synced_upto);
    }
    at = text.find(magic, at + (frame ? frame->disk_bytes : 1));
  }
  return later;
}

}  // namespace coffer::meta
