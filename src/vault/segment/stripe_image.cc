#include "vault/segment/stripe_image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "vault/erasure/erasure_code.h"
#include "vault/segment/owner_index.h"
#include "vault/segment/segment_context.h"

namespace coffer {

namespace {

constexpr int kTriesMax = 2048;  // all sets up to 10+4; each costs a decoding of the stripe

constexpr std::uint32_t bit(std::uint32_t shard) { return std::uint32_t{1} << shard; }
constexpr std::uint32_t low_bits(std::uint32_t n) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1);
}

/// The next number with as many bits set (Gosper).
std::uint64_t next_of_same_weight(std::uint64_t set) {
  const std::uint64_t lowest = set & (~set + 1);
  const std::uint64_t ripple = set + lowest;
  return ripple | (((set ^ ripple) >> 2U) / lowest);
}

}  // namespace

StripeImage::StripeImage(SegmentContext& context, const Segment& segment, std::uint32_t stripe,
                         Trust trust)
    : context_(&context), segment_(&segment), stripe_(stripe), trust_(trust) {
  for (std::uint32_t shard = 0; shard < segment.shards(); ++shard) {
    if (segment.is_lost(segment.slot(stripe, shard), stripe)) trust_.listed |= bit(shard);
  }
}

std::optional<StripeImage> StripeImage::read(SegmentContext& context, const Segment& segment,
                                             std::uint32_t stripe, Trust trust, Reading reading) {
  StripeImage image(context, segment, stripe, trust);
  if (!image.find_any_header()) return std::nullopt;
  auto code = context.deps.codes.get({image.header_.k, image.header_.m});
  if (!code) return std::nullopt;
  image.code_ = *std::move(code);
  image.read_shards(reading);
  image.settle();
  return image;
}

/// One whose MAC holds; without keys one whose checksum does. Listed shards may tell it as well as others.
bool StripeImage::find_any_header() {
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    const auto raw =
        context_->files.read(*segment_, segment_->slot(stripe_, shard), stripe_byte(stripe_),
                             kStripeHeaderBytes, context_->deps.buffers);
    if (!raw) continue;
    State state = State::Absent;
    const auto header = find_header(raw->span().first(kStripeHeaderBytes), context_->deps.vault,
                                    *segment_, stripe_, shard, trust_.cipher, state);
    if (state != State::Good || header->k != segment_->info().k) continue;
    header_ = *header;
    return true;
  }
  return false;
}

void StripeImage::read_shards(Reading reading) {
  std::uint32_t good = 0;
  const auto pass = [&](bool listed) {
    for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
      if (((trust_.listed >> shard & 1U) != 0) != listed) continue;
      if (reading == Reading::Enough && good >= header_.k) return;
      read_shard(shard);
      const State state = shards_[shard].state;
      if (state == State::Good || state == State::Unused) ++good;
    }
  };
  pass(false);
  if (reading == Reading::All || good < header_.k) pass(true);
}

void StripeImage::read_shard(std::uint32_t index) {
  Shard& shard = shards_[index];
  if (shard.state != State::NotRead) return;
  const std::uint32_t bytes = header_.bytes_of(index);
  if (bytes == 0) {
    shard.state = State::Unused;
    return;
  }
  const std::uint32_t slot = segment_->slot(stripe_, index);
  auto raw = context_->files.read(*segment_, slot, stripe_byte(stripe_), kStripeHeaderBytes + bytes,
                                  context_->deps.buffers);
  if (!raw) {
    const auto begins = context_->files.read(*segment_, slot, stripe_byte(stripe_),
                                             kStripeHeaderBytes, context_->deps.buffers);
    shard.state = begins ? State::BadPayload : State::Absent;
    return;
  }
  shard.raw = *std::move(raw);
  bytes_read_ += kStripeHeaderBytes + bytes;
  ++shards_read_;
  judge(shard, index);
}

void StripeImage::judge(Shard& shard, std::uint32_t index) {
  const std::uint32_t bytes = header_.bytes_of(index);
  const auto own = find_header(shard.raw.span().first(kStripeHeaderBytes), context_->deps.vault,
                               *segment_, stripe_, index, trust_.cipher, shard.state);
  if (shard.state != State::Good) return;
  if (own->payload_bytes != bytes || own->data_bytes != header_.data_bytes) {
    shard.state = State::BadHeader;
    return;
  }
  const Bytes payload = shard.raw.span().subspan(kStripeHeaderBytes, bytes);
  for (std::uint32_t piece = 0; piece < pieces_of(bytes); ++piece) {
    const std::uint32_t at = piece * kPieceBytes;
    if (pieces_match(*own, at, payload.subspan(at, std::min(kPieceBytes, bytes - at))))
      shard.pieces |= bit(piece);
  }
  if (shard.pieces != low_bits(pieces_of(bytes))) shard.state = State::BadPayload;
}

StripeImage::ShardBits StripeImage::usable(std::uint32_t piece, ShardBits without) const {
  ShardBits found = 0;
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    // Behind its end a shard is zeros, whoever holds it.
    const bool behind = piece >= pieces_of(header_.bytes_of(shard));
    const bool holds = (without >> shard & 1U) == 0 && (shards_[shard].pieces >> piece & 1U) != 0;
    if (behind || holds) found |= bit(shard);
  }
  return found;
}

bool StripeImage::decode(ShardBits without) {
  const std::uint32_t longest = header_.longest();
  const std::uint32_t pieces = pieces_of(longest);
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) shards_[shard].made = {};
  parity_made_ = false;
  for (std::uint32_t shard = 0; shard < header_.k; ++shard) {
    const std::uint32_t bytes = header_.bytes_of(shard);
    const bool whole =
        (without >> shard & 1U) == 0 && shards_[shard].pieces == low_bits(pieces_of(bytes));
    if (bytes > 0 && !whole)
      shards_[shard].made = context_->deps.buffers.take(kStripeHeaderBytes + bytes);
  }
  for (std::uint32_t piece = 0; piece < pieces;) {
    const ShardBits present = usable(piece, without);
    std::uint32_t end = piece + 1;
    while (end < pieces && usable(end, without) == present) ++end;
    if (!decode_run(piece * kPieceBytes, std::min(end * kPieceBytes, longest), present))
      return false;
    piece = end;
  }
  return true;
}

bool StripeImage::decode_run(std::uint32_t begin, std::uint32_t end, ShardBits present) {
  std::vector<ErasureCode::Present> sources;
  std::vector<ErasureCode::Wanted> wanted;
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    const std::uint32_t bytes = header_.bytes_of(shard);
    const std::uint32_t from = std::min(begin, bytes);
    const std::uint32_t count = std::min(end, bytes) - from;
    if ((present >> shard & 1U) != 0) {
      const Bytes range =
          count == 0 ? Bytes{}
                     : Bytes(shards_[shard].raw.span().subspan(kStripeHeaderBytes + from, count));
      sources.push_back({shard, range});
    }
    if (shards_[shard].made && count > 0)
      wanted.push_back(
          {shard, shards_[shard].made.span().subspan(kStripeHeaderBytes + from, count)});
  }
  return wanted.empty() || code_->reconstruct(sources, wanted).has_value();
}

Bytes StripeImage::payload(std::uint32_t shard) const {
  const std::uint32_t bytes = header_.bytes_of(shard);
  if (bytes == 0) return {};
  const BufferRef& from = shards_[shard].made ? shards_[shard].made : shards_[shard].raw;
  return from.span().subspan(kStripeHeaderBytes, bytes);
}

std::uint32_t StripeImage::verify_tags() {
  chunks_ = 0;
  suspects_ = 0;
  const BufferRef scratch = context_->deps.buffers.take(kPieceBytes * kPiecesMax);
  const auto opens = [&](std::uint32_t shard, std::uint32_t offset, std::uint32_t bytes,
                         std::uint32_t ordinal) {
    const Bytes whole = shard < header_.k ? payload(shard) : Bytes{};
    if (bytes <= kTagBytes || std::uint64_t{offset} + bytes > whole.size()) return false;
    return trust_.cipher
        ->open(ordinal, whole.subspan(offset, bytes), scratch.span().first(bytes - kTagBytes))
        .has_value();
  };
  if (!opens(header_.index_shard, header_.index_offset, header_.index_sealed_bytes,
             header_.index_ordinal)) {
    suspects_ = bit(header_.index_shard);
    return 1;
  }
  const auto owners =
      OwnerIndex::decode(scratch.span().first(header_.index_sealed_bytes - kTagBytes));
  if (!owners) return 1;
  std::uint32_t bad = 0;
  for (const OwnerEntry& owner : *owners) {
    const Place run{header_.segment, stripe_,       owner.shard,
                    owner.offset,    owner.ordinal, owner.bytes};
    for (std::uint32_t i = 0; i < run.chunks(); ++i) {
      const Place chunk = run.without_first(i).first(1);
      ++chunks_;
      if (opens(chunk.shard, chunk.offset, chunk.sealed_bytes(), chunk.ordinal)) continue;
      ++bad;
      suspects_ |= bit(chunk.shard);
    }
  }
  return bad;
}

bool StripeImage::is_honest(ShardBits without) { return decode(without) && verify_tags() == 0; }

/// Leaves out the shards in which the tags that do not hold are; then one whose checksums hold, then two, … until every tag holds.
bool StripeImage::find_honest_set(ShardBits without) {
  if (is_honest(without) || (suspects_ != 0 && is_honest(without | suspects_))) return true;
  const std::uint32_t shards = segment_->shards();
  int tries = 0;
  for (std::uint32_t out = 1; out <= header_.m; ++out) {
    for (std::uint64_t set = low_bits(out); set < (std::uint64_t{1} << shards);
         set = next_of_same_weight(set)) {
      if ((set & without) != 0) continue;  // the same as without it
      if (++tries > kTriesMax) {
        gave_up_ = true;
        return false;
      }
      if (is_honest(without | static_cast<ShardBits>(set))) return true;
    }
  }
  return false;
}

void StripeImage::make_parity() {
  if (parity_made_ || header_.m == 0) return;
  std::vector<Bytes> data;
  std::vector<MutableBytes> parity;
  for (std::uint32_t shard = 0; shard < header_.k; ++shard) data.push_back(payload(shard));
  const std::uint32_t bytes = header_.longest();
  for (std::uint32_t shard = header_.k; shard < segment_->shards(); ++shard) {
    shards_[shard].made = context_->deps.buffers.take(kStripeHeaderBytes + bytes);
    parity.push_back(shards_[shard].made.span().subspan(kStripeHeaderBytes, bytes));
  }
  code_->encode(data, parity);
  parity_made_ = true;
}

bool StripeImage::compare() {
  bool same = true;
  for (std::uint32_t index = 0; index < segment_->shards(); ++index) {
    Shard& shard = shards_[index];
    if (shard.state != State::Good || !shard.made) continue;
    const std::uint32_t bytes = header_.bytes_of(index);
    if (trust_.cipher != nullptr) write_header(index, shard.made.span().first(kStripeHeaderBytes));
    const std::size_t from = trust_.cipher != nullptr ? 0 : kStripeHeaderBytes;
    const std::size_t count = kStripeHeaderBytes + bytes - from;
    if (std::memcmp(shard.raw.data() + from, shard.made.data() + from, count) == 0) continue;
    shard.state = State::Wrong;
    same = false;
  }
  return same;
}

void StripeImage::settle() {
  ShardBits without = trust_.listed;
  if (!decode(without)) {
    read_shards(Reading::All);
    if (!decode(without)) without = 0;
    if (without == 0 && !decode(0)) return;
  }
  explained_ = true;
  bool doubtful = false;
  if (trust_.cipher != nullptr) {
    chunks_unverified_ = verify_tags();
    if (chunks_unverified_ > 0) {
      read_shards(Reading::All);
      // Listed shards are asked last, but they are asked: one of them may be right where one that is not listed was forged.
      doubtful = !find_honest_set(without) && (without == 0 || !find_honest_set(0));
      if (doubtful) static_cast<void>(decode(without));
      gave_up_ = gave_up_ && doubtful;
      chunks_unverified_ = verify_tags();
    }
  }
  for (std::uint32_t shard = header_.k; shard < segment_->shards(); ++shard) {
    if (shards_[shard].state == State::Good) make_parity();
  }
  // Tags that no shards give are their writer's doing where all shards agree (format.md §3.4); else nothing explains it.
  if (!compare() && doubtful) explained_ = false;
}

StripeImage::ShardBits StripeImage::faults() const {
  ShardBits found = 0;
  for (std::uint32_t shard = 0; shard < segment_->shards(); ++shard) {
    if (header_.bytes_of(shard) == 0) continue;
    const State state = shards_[shard].state;
    const bool right = state == State::Good || state == State::NotRead;
    if (!right || (trust_.listed >> shard & 1U) != 0) found |= bit(shard);
  }
  return found;
}

void StripeImage::write_header(std::uint32_t shard, MutableBytes out) const {
  StripeHeader header = header_;
  header.shard = static_cast<std::uint8_t>(shard);
  header.payload_bytes = header_.bytes_of(shard);
  checksum_pieces(header,
                  shards_[shard].made.span().subspan(kStripeHeaderBytes, header.payload_bytes));
  encode_stripe_header(header, trust_.cipher->header_mac(), out);
}

Result<IoSlice> StripeImage::content(std::uint32_t shard) {
  if (!explained_ || trust_.cipher == nullptr)
    return fail(Errc::Io, "what belongs into the shard is not known");
  if (shard >= header_.k) make_parity();
  const Shard& wanted = shards_[shard];
  const std::uint32_t bytes = kStripeHeaderBytes + header_.bytes_of(shard);
  if (!wanted.made) return IoSlice{wanted.raw, wanted.raw.span().first(bytes)};
  write_header(shard, wanted.made.span().first(kStripeHeaderBytes));
  return IoSlice{wanted.made, wanted.made.span().first(bytes)};
}

}  // namespace coffer
