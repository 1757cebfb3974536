#include "vault/segment/segment_scan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "vault/segment/segment_context.h"
#include "vault/segment/segment_repair.h"
#include "vault/segment/shard_rebuild.h"
#include "vault/volume/volume_set.h"

namespace coffer {

struct SegmentScan::Walk {
  const Segment& segment;
  std::shared_ptr<const SegmentCipher> cipher;  // null without keys
};

namespace {

using State = ShardFinding::State;

Result<BufferRef> read_raw_header(SegmentContext& context, const Segment& segment,
                                  std::uint32_t slot, std::uint32_t stripe) {
  return context.files.read(segment, slot, stripe_byte(stripe), kStripeHeaderBytes,
                            context.deps.buffers);
}

/// The header of `shard` at `stripe` if one stands there, whatever its MAC says.
std::optional<StripeHeader> header_at(SegmentContext& context, const Segment& segment,
                                      std::uint32_t stripe, std::uint32_t shard,
                                      const SegmentCipher* cipher, State& state) {
  const auto raw = read_raw_header(context, segment, segment.slot(stripe, shard), stripe);
  state = State::Absent;
  if (!raw) return std::nullopt;
  return find_header(raw->span().first(kStripeHeaderBytes), context.deps.vault, segment, stripe,
                     shard, cipher, state);
}

std::uint64_t longest_file(SegmentContext& context, const Segment& segment) {
  std::uint64_t longest = 0;
  for (std::uint32_t slot = 0; slot < segment.shards(); ++slot) {
    const auto file = context.files.open(segment, slot);
    if (!file) continue;
    if (const auto size = (*file)->size()) longest = std::max(longest, size->value());
  }
  return longest;
}

}  // namespace

bool StripeFinding::whole() const {
  for (std::uint32_t shard = 0; shard < header.shards(); ++shard) {
    const State state = shards[shard].state;
    if (state != State::Good && state != State::Unused) return false;
  }
  return chunks_bad == 0;
}

SegmentScan::SegmentScan(SegmentStoreDeps deps)
    : context_(std::make_unique<SegmentContext>(deps, SegmentStoreOptions{})) {}

SegmentScan::~SegmentScan() = default;

Result<SegmentScan::Totals> SegmentScan::scan(const SegmentInfo& info, Depth depth,
                                              const OnStripe& on_stripe) {
  const Segment segment(info);
  Walk walk{segment, nullptr};
  if (depth == Depth::Contents) {
    COFFER_ASSIGN(walk.cipher, context_->ciphers.get(info));
  }
  Totals totals;
  const std::uint64_t end = longest_file(*context_, segment);
  for (std::uint32_t stripe = 0; stripe_byte(stripe) < end;) {
    std::optional<StripeHeader> best;
    bool best_good = false;
    for (std::uint32_t shard = 0; shard < segment.shards() && !best_good; ++shard) {
      State state = State::Absent;
      auto header = header_at(*context_, segment, stripe, shard, walk.cipher.get(), state);
      if (!header) continue;
      best_good = state == State::Good;
      if (!best || best_good) best = std::move(header);
    }
    if (!best) {
      ++totals.blocks_without_header;
      ++stripe;
      continue;
    }
    ++totals.stripes;
    if (!on_stripe(inspect(walk, stripe, depth, *best, totals))) break;
    stripe += blocks_for(best->longest());
  }
  return totals;
}

StripeFinding SegmentScan::inspect(const Walk& walk, std::uint32_t stripe, Depth depth,
                                   const StripeHeader& header, Totals& totals) {
  StripeFinding finding;
  finding.header = header;
  for (std::uint32_t shard = 0; shard < walk.segment.shards(); ++shard) {
    State& state = finding.shards[shard].state;
    const std::uint32_t bytes = header.bytes_of(shard);
    if (bytes == 0) {
      state = State::Unused;
      continue;
    }
    const auto own = header_at(*context_, walk.segment, stripe, shard, walk.cipher.get(), state);
    totals.bytes_read += own ? kStripeHeaderBytes : 0;
    if (state != State::Good || depth == Depth::Headers) continue;
    const auto payload = context_->files.read(walk.segment, walk.segment.slot(stripe, shard),
                                              stripe_byte(stripe) + kStripeHeaderBytes, bytes,
                                              context_->deps.buffers);
    const bool intact = payload && own->payload_bytes == bytes &&
                        pieces_match(*own, 0, payload->span().first(bytes));
    totals.bytes_read += payload ? bytes : 0;
    if (!intact) state = State::BadPayload;
  }
  if (depth == Depth::Contents) inspect_contents(walk, finding);
  return finding;
}

void SegmentScan::inspect_contents(const Walk& walk, StripeFinding& finding) {
  const StripeHeader& header = finding.header;
  ShardRebuild from(*context_, walk.segment, header.stripe);
  const BufferRef scratch = context_->deps.buffers.take(kPieceBytes * kPiecesMax);
  const auto opens = [&](std::uint32_t ordinal, Bytes sealed) {
    return walk.cipher->open(ordinal, sealed, scratch.span().first(sealed.size() - kTagBytes))
        .has_value();
  };
  // Where it stands, else rebuilt. True if it verified where it stands.
  enum class Found { Here, Rebuilt, Lost };
  const auto find = [&](std::uint32_t shard, std::uint32_t offset, std::uint32_t bytes,
                        std::uint32_t ordinal) {
    const auto here = context_->files.read(walk.segment, walk.segment.slot(header.stripe, shard),
                                           stripe_byte(header.stripe) + kStripeHeaderBytes + offset,
                                           bytes, context_->deps.buffers);
    if (here && opens(ordinal, here->span().first(bytes))) return Found::Here;
    const auto rebuilt =
        from.rebuild(shard, offset, bytes, [&](Bytes sealed) { return opens(ordinal, sealed); });
    return rebuilt ? Found::Rebuilt : Found::Lost;
  };
  const Found index = find(header.index_shard, header.index_offset, header.index_sealed_bytes,
                           header.index_ordinal);
  if (index == Found::Lost) return;
  auto owners = OwnerIndex::decode(scratch.span().first(header.index_sealed_bytes - kTagBytes));
  if (!owners) return;
  finding.index_verified = true;
  finding.owners = *std::move(owners);
  for (const OwnerEntry& owner : finding.owners) {
    const Place run{header.segment, header.stripe, owner.shard,
                    owner.offset,   owner.ordinal, owner.bytes};
    for (std::uint32_t i = 0; i < run.chunks(); ++i) {
      const Place chunk = run.without_first(i).first(1);
      const Found found = find(chunk.shard, chunk.offset, chunk.sealed_bytes(), chunk.ordinal);
      ++finding.chunks;
      if (found != Found::Here) ++finding.chunks_bad;
      if (found == Found::Lost) ++finding.chunks_lost;
    }
  }
}

Result<SegmentReceipt> SegmentScan::check_keyless(
    const SegmentInfo& info, const std::function<Result<void>(std::uint64_t)>& step) {
  return SegmentRepair(*context_, std::make_shared<Segment>(info), nullptr).check({}, step);
}

Result<SegmentInfo> SegmentScan::find(SegmentUid uid) {
  for (std::size_t member = 0; member < VolumeSet::kMembersMax; ++member) {
    // A segment of one slot on this volume, so that its file can be read before it is known.
    SegmentInfo guess;
    guess.uid = uid;
    guess.id = SegmentId(UINT64_MAX / kStripeShardsMax - member);  // the handle cache's key
    guess.members = {static_cast<std::uint8_t>(member)};
    const Segment file(guess);
    context_->files.forget(file);  // the one of another uid that was looked for under this id
    const std::uint64_t end = longest_file(*context_, file);
    for (std::uint32_t stripe = 0; stripe_byte(stripe) < end; ++stripe) {
      const auto raw = read_raw_header(*context_, file, 0, stripe);
      if (!raw) break;
      const auto header = decode_stripe_header(raw->span().first(kStripeHeaderBytes));
      if (!header || header->segment_uid != uid || header->vault != context_->deps.vault) continue;
      guess.id = header->segment;
      guess.k = header->k;
      guess.m = header->m;
      guess.members.assign(header->members.begin(), header->members.begin() + header->shards());
      guess.data_epoch = header->data_epoch;
      guess.state = SegmentInfo::State::Sealed;
      return guess;
    }
  }
  return fail(Errc::NotFound, "no header of this segment can be read");
}

}  // namespace coffer
