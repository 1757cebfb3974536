#include "vault/segment/volume_choice.h"

#include <algorithm>
#include <utility>

#include "vault/segment/segment_context.h"
#include "vault/volume/volume_set.h"

namespace coffer {

namespace {

constexpr std::uint64_t kShardBytesFloor = std::uint64_t{4} << 20;

/// What it takes above its reserve.
Result<std::uint64_t> room_on(SegmentContext& context, SegmentStore::Stream stream,
                              Volume& volume) {
  COFFER_ASSIGN(const VolumeSpace space, volume.space());
  const SegmentReserve& rule = context.options.reserve;
  std::uint64_t keep = rule.of(space.total.value());
  if (stream == SegmentStore::Stream::Survivors) keep /= 2;
  const std::uint64_t available = space.available.value();
  return available > keep ? available - keep : 0;
}

struct Fit {
  std::uint8_t k = 0, m = 0;
  std::vector<std::pair<std::uint64_t, std::uint8_t>> members;  // room, member; most room first
  [[nodiscard]] std::uint64_t least() const { return members.back().first; }
};

/// The volumes with the most room.
Result<Fit> fit_volumes(SegmentContext& context, SegmentStore::Stream stream) {
  Fit fit;
  auto& found = fit.members;
  for (const std::uint8_t member : context.deps.volumes.with_state(VolumeSet::State::Current)) {
    const std::uint32_t era = context.deps.volumes.era(member);
    Volume* const volume = context.deps.volumes.writable(member);
    if (volume == nullptr || context.reports.is_failed(member)) continue;
    auto room = room_on(context, stream, *volume);
    if (room) {
      found.emplace_back(*room, member);
    } else if (context.deps.volumes.writable_since(member, era)) {
      context.reports.volume_failed(member, room.error());
    }
  }
  if (found.empty()) return fail(Errc::ReadOnly, "no volume can be written");

  const auto available = static_cast<std::uint32_t>(found.size());
  fit.m = static_cast<std::uint8_t>(std::min<std::uint32_t>(context.options.m, available - 1));
  fit.k = static_cast<std::uint8_t>(std::min<std::uint32_t>(context.options.k, available - fit.m));
  std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return a.first > b.first; });
  found.resize(std::size_t{fit.k} + fit.m);
  return fit;
}

/// Of a full stripe, on every volume.
std::uint64_t stripe_bytes(const SegmentContext& context) {
  return std::uint64_t{blocks_for(payload_capacity(context.options.unit_chunks))} *
         kStripeBlockBytes;
}

}  // namespace

Result<VolumeChoice> choose_volumes(SegmentContext& context, SegmentStore::Stream stream,
                                    std::uint32_t turn) {
  COFFER_ASSIGN(const Fit fit, fit_volumes(context, stream));
  const std::uint64_t least = fit.least();
  const std::uint64_t stripe = stripe_bytes(context);
  if (least < stripe) return fail(Errc::NoSpace, "the volumes are full but for the reserve");

  VolumeChoice choice;
  choice.k = fit.k;
  choice.m = fit.m;
  const std::size_t wanted = fit.members.size();
  for (const auto& entry : fit.members) choice.members.push_back(entry.second);
  std::ranges::sort(choice.members);
  const auto first = choice.members.begin() + static_cast<std::ptrdiff_t>(turn % wanted);
  std::rotate(choice.members.begin(), first, choice.members.end());
  const std::uint64_t by_space = std::max(least / 64, kShardBytesFloor);
  const std::uint64_t limit = std::min<std::uint64_t>(by_space, context.options.shard_bytes_max);
  choice.shard_bytes_max = static_cast<std::uint32_t>(std::max(limit, stripe));
  return choice;
}

Result<std::uint64_t> room_for_stripes(SegmentContext& context, SegmentStore::Stream stream) {
  COFFER_ASSIGN(const Fit fit, fit_volumes(context, stream));
  return fit.least() < stripe_bytes(context) ? 0 : fit.least() * fit.k;
}

Result<std::uint64_t> bytes_before_reserve(SegmentContext& context, SegmentStore::Stream stream,
                                           const std::vector<std::uint8_t>& members) {
  std::uint64_t least = UINT64_MAX;
  for (const std::uint8_t member : members) {
    Volume* const volume = context.deps.volumes.writable(member);
    if (volume == nullptr) return fail(Errc::Io, "a volume of the segment is gone");
    COFFER_ASSIGN(const std::uint64_t room, room_on(context, stream, *volume));
    least = std::min(least, room);
  }
  return least;
}

}  // namespace coffer
