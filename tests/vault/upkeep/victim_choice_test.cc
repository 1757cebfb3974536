#include "vault/upkeep/victim_choice.h"

#include <gtest/gtest.h>

namespace coffer {
namespace {

constexpr std::uint64_t kStored = 1000;

SegmentUse use(std::uint64_t id, std::uint64_t live) { return {SegmentId{id}, live, kStored}; }

VictimLimits limits() {
  VictimLimits limits;
  limits.live_bytes_wanted = 1;  // one is enough
  limits.live_bytes_max = 100 * kStored;
  return limits;
}

std::vector<std::uint64_t> ids(const std::vector<SegmentUse>& victims) {
  std::vector<std::uint64_t> numbers;
  for (const SegmentUse& one : victims) numbers.push_back(one.id.value());
  return numbers;
}

using Ids = std::vector<std::uint64_t>;

TEST(VictimChoice, OfOneAgeTheOneWithMostDeadBytesComesFirst) {
  EXPECT_EQ(ids(choose_victims({use(5, 700), use(6, 100), use(7, 690)}, limits())), Ids{6});
}

TEST(VictimChoice, WhatIsOldIsTakenBeforeWhatIsYoungAndStillDying) {
  std::vector<SegmentUse> all;
  for (std::uint64_t id = 1; id <= 50; ++id) all.push_back(use(id, 1000));
  all[3].live_bytes = 800;  // old: what is dead in it stays dead, and nobody else will give it back
  all[48].live_bytes = 500;  // young
  EXPECT_EQ(ids(choose_victims(all, limits())), Ids{4});
}

TEST(VictimChoice, WhatIsHardlyDeadIsNotWorthIt) {
  EXPECT_TRUE(choose_victims({use(1, 960), use(2, 1000), use(3, 1200)}, limits()).empty());
  VictimLimits half = limits();
  half.dead_share_min = 0.5;
  EXPECT_TRUE(choose_victims({use(1, 600)}, half).empty());
  EXPECT_EQ(ids(choose_victims({use(1, 500)}, half)), Ids{1});
  VictimLimits much = limits();
  much.dead_bytes_min = 500;
  EXPECT_TRUE(choose_victims({use(1, 501)}, much).empty());
  EXPECT_EQ(ids(choose_victims({use(1, 500)}, much)), Ids{1});
}

TEST(VictimChoice, ARoundTakesAsManyAsItWantsAndSurvivorsHaveRoomFor) {
  const std::vector<SegmentUse> all{use(1, 300), use(2, 300), use(3, 300), use(4, 300)};
  VictimLimits some = limits();
  some.live_bytes_wanted = 500;
  EXPECT_EQ(ids(choose_victims(all, some)), (Ids{1, 2}));
  some.live_bytes_wanted = 10'000;
  some.live_bytes_max = 900;
  EXPECT_EQ(ids(choose_victims(all, some)), (Ids{1, 2, 3}));
  some.live_bytes_max = 299;
  EXPECT_TRUE(choose_victims(all, some).empty());
}

TEST(VictimChoice, WhereTheBestDoesNotFitASmallerOneIsTaken) {
  VictimLimits little = limits();
  little.live_bytes_max = 200;
  EXPECT_EQ(ids(choose_victims({use(1, 500), use(2, 150)}, little)), Ids{2});
}

TEST(VictimChoice, WhereCopiesTakeMoreOfEachVolumeThanTheirSegmentDidThatIsCounted) {
  SegmentUse two = use(1, 600);
  two.data_shards = 2;
  VictimLimits degraded = limits();
  degraded.data_shards_now = 1;
  EXPECT_TRUE(choose_victims({two}, degraded).empty()) << "500 of each volume would become 600";
  two.live_bytes = 300;
  const auto victims = choose_victims({two}, degraded);
  ASSERT_EQ(victims.size(), 1U);
  EXPECT_EQ(victims[0].live_bytes, 300U);
  // Written while volumes were away: it gives back even where all of it lives.
  SegmentUse one = use(2, 1000);
  VictimLimits whole = limits();
  whole.data_shards_now = 4;
  EXPECT_EQ(choose_victims({one}, whole).size(), 1U);
}

TEST(VictimChoice, NothingOfNothing) { EXPECT_TRUE(choose_victims({}, limits()).empty()); }

}  // namespace
}  // namespace coffer
