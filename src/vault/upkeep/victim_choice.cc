#include "vault/upkeep/victim_choice.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

namespace coffer {
namespace {

struct Scored {
  double score = 0;
  SegmentUse use;
};

/// Space gained × how long it stays gained, by what it costs: reading all of it and writing the live part.
double score_of(const SegmentUse& use, std::size_t age) {
  const double live = static_cast<double>(use.live_bytes) / static_cast<double>(use.stored_bytes);
  return (1 - live) * static_cast<double>(age) / (1 + live);
}

bool worth_it(const SegmentUse& use, const VictimLimits& limits) {
  return use.dead_bytes() > 0 && use.dead_bytes() >= limits.dead_bytes_min &&
         static_cast<double>(use.dead_bytes()) >=
             limits.dead_share_min * static_cast<double>(use.stored_bytes);
}

}  // namespace

std::vector<SegmentUse> choose_victims(std::vector<SegmentUse> all, const VictimLimits& limits) {
  std::ranges::sort(all, {}, &SegmentUse::id);
  // On each volume a segment takes bytes ÷ data shards: what lives in it counts as what its copy will take, in its own measure.
  std::map<SegmentId, std::uint64_t> live_now;
  for (SegmentUse& one : all) {
    live_now[one.id] = one.live_bytes;
    one.live_bytes = one.live_bytes * one.data_shards / limits.data_shards_now;
  }
  std::vector<Scored> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (worth_it(all[i], limits)) found.push_back({score_of(all[i], all.size() - i), all[i]});
  }
  std::ranges::stable_sort(found, std::greater{}, &Scored::score);
  std::vector<SegmentUse> victims;
  std::uint64_t live = 0;
  for (const Scored& one : found) {
    if (!victims.empty() && live >= limits.live_bytes_wanted) break;
    const std::uint64_t copied = live_now[one.use.id];
    if (live + copied > limits.live_bytes_max) continue;
    live += copied;
    victims.push_back(one.use);
    victims.back().live_bytes = copied;
  }
  return victims;
}

}  // namespace coffer
