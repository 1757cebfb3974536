#include "vault/volume/configuration.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "vault/crypto/random.h"

namespace coffer {
namespace {

/// A vault of k+m volumes on "disks" that hold one superblock each.
class Configurations : public testing::Test {
 protected:
  void create(std::uint8_t k, std::uint8_t m) {
    Superblock sb;
    sb.vault = VaultUuid(crypto::random_uuid());
    sb.data_shards = k;
    sb.parity_shards = m;
    for (std::uint8_t i = 0; i < k + m; ++i) {
      sb.members.push_back(
          {VolumeUuid(crypto::random_uuid()), i, MemberState::Current, {}, {}, ""});
    }
    for (std::size_t i = 0; i < sb.members.size(); ++i) write(sb, {i});
  }

  /// Writes a configuration to some disks: a raise that is complete, or that a crash cut short.
  void write(const Superblock& sb, const std::vector<std::size_t>& disks) {
    for (const std::size_t i : disks) disks_[i] = for_volume(sb, sb.members[i].volume, 1);
  }

  /// Raises what `from` has, with some members set, and writes it to `disks`.
  void raise(std::size_t from, const std::vector<std::pair<std::size_t, MemberState>>& states,
             const std::vector<std::size_t>& disks) {
    Superblock next = raise_epoch(disks_.at(from));
    for (const auto& [i, state] : states) {
      ASSERT_TRUE(set_member_state(next, next.members[i].volume, state));
    }
    write(next, disks);
  }

  Result<Assessment> reach(const std::vector<std::size_t>& disks,
                           const std::optional<KnownConfiguration>& known = std::nullopt) {
    seen_.clear();
    for (const std::size_t i : disks) seen_.push_back(disks_.at(i));
    return assess(seen_, known);
  }

  KnownConfiguration state_file(std::size_t disk) {
    return {disks_.at(disk).epoch, configuration_digest(disks_.at(disk))};
  }

  std::map<std::size_t, Superblock> disks_;
  std::vector<Superblock> seen_;
};

using Standings = std::vector<VolumeStanding>;

TEST_F(Configurations, AWholeVaultIsCurrent) {
  create(2, 1);
  const Assessment found = reach({0, 1, 2}).value();
  EXPECT_EQ(Access::ReadWrite, found.access);
  EXPECT_EQ((Standings{VolumeStanding::Current, VolumeStanding::Current, VolumeStanding::Current}),
            found.standings);
  EXPECT_EQ(3U, found.member_count);
  EXPECT_EQ(1U, found.losses_left);
}

TEST_F(Configurations, LossesUpToParityAreBorneAndCounted) {
  create(3, 2);
  EXPECT_EQ(2U, reach({0, 1, 2, 3, 4}).value().losses_left);
  EXPECT_EQ(1U, reach({0, 1, 3, 4}).value().losses_left);
  EXPECT_EQ(0U, reach({1, 3, 4}).value().losses_left);
  EXPECT_EQ(Access::ReadWrite, reach({1, 3, 4}).value().access);
  EXPECT_EQ(Errc::NotEnoughVolumes, reach({1, 3}).error().code);
  EXPECT_EQ(Errc::NotEnoughVolumes, reach({}).error().code);
}

TEST_F(Configurations, MoreLossesThanParityWithEnoughVolumesLeftIsReadOnly) {
  create(1, 1);
  Superblock wide = raise_epoch(disks_[0]);  // four volumes for 1+1 stripes
  for (std::uint8_t i = 2; i < 4; ++i) {
    wide.members.push_back(
        {VolumeUuid(crypto::random_uuid()), i, MemberState::Current, {}, {}, ""});
  }
  write(wide, {0, 1, 2, 3});
  EXPECT_EQ(Access::ReadWrite, reach({0, 1, 2}).value().access);
  EXPECT_EQ(Access::ReadOnlyTooManyLost, reach({0, 1}).value().access);
}

TEST_F(Configurations, AVolumeThatMissedARaiseIsStale) {
  create(2, 1);
  raise(0, {{2, MemberState::Absent}}, {0, 1});
  EXPECT_EQ((Standings{VolumeStanding::Current, VolumeStanding::Current, VolumeStanding::Stale}),
            reach({0, 1, 2}).value().standings);
  EXPECT_EQ(2U, reach({2, 0, 1}).value().current_count);
  EXPECT_EQ(1U, reach({2, 0, 1}).value().newest);
  EXPECT_EQ(Errc::NotEnoughVolumes, reach({0, 2}).error().code) << "a stale one does not count";
  EXPECT_EQ(0U, reach({0, 1, 2}).value().losses_left);
}

TEST_F(Configurations, AStaleVolumeIsKnownHoweverLongItWasAway) {
  create(2, 1);
  raise(0, {{2, MemberState::Absent}}, {0, 1});
  for (int i = 0; i < 40; ++i) raise(0, {}, {0, 1});
  EXPECT_EQ(VolumeStanding::Stale, reach({0, 1, 2}).value().standings[2]);
  raise(0, {{2, MemberState::Current}}, {0, 1, 2});
  EXPECT_EQ(3U, reach({0, 1, 2}).value().current_count);
}

TEST_F(Configurations, ARaiseThatACrashCutShortLeavesEveryoneCurrent) {
  create(2, 1);
  raise(0, {}, {1});
  const Assessment found = reach({0, 1, 2}).value();
  EXPECT_EQ(1U, found.newest);
  EXPECT_EQ(3U, found.current_count);
  EXPECT_EQ(Access::ReadWrite, found.access);
}

TEST_F(Configurations, AnInterruptedRaiseOnALostVolumeIsNoForkWhenItReturns) {
  create(1, 1);
  raise(0, {}, {1});                          // reached volume 1 only, then the machine went down
  raise(0, {{1, MemberState::Absent}}, {0});  // volume 1 did not come back
  for (int i = 0; i < 40; ++i) raise(0, {}, {0});
  for (const auto& order : {std::vector<std::size_t>{0, 1}, {1, 0}}) {
    const auto found = reach(order);
    ASSERT_TRUE(found) << found.error().context;
    EXPECT_EQ(0U, order[found->newest]);
    EXPECT_EQ(1U, found->current_count);
  }
}

TEST_F(Configurations, TheSameWithEqualEpochs) {
  create(1, 1);
  raise(0, {}, {1});
  raise(0, {{1, MemberState::Absent}}, {0});
  ASSERT_EQ(disks_[0].epoch, disks_[1].epoch);
  for (const auto& order : {std::vector<std::size_t>{0, 1}, {1, 0}}) {
    const auto found = reach(order);
    ASSERT_TRUE(found) << found.error().context;
    EXPECT_EQ(0U, order[found->newest]);
  }
}

TEST_F(Configurations, TwoHalvesThatWentOnAloneAreAFork) {
  create(1, 1);
  raise(0, {{1, MemberState::Absent}}, {0});
  raise(1, {{0, MemberState::Absent}}, {1});
  EXPECT_EQ(Errc::Forked, reach({0, 1}).error().code);
  EXPECT_EQ(Errc::Forked, reach({1, 0}).error().code);
  EXPECT_TRUE(reach({0})) << "each half alone still opens";
}

TEST_F(Configurations, AForkIsFoundAlsoWhereOneHalfWentMuchFurther) {
  create(2, 2);
  raise(0, {{2, MemberState::Absent}, {3, MemberState::Absent}}, {0, 1});
  raise(2, {{0, MemberState::Absent}, {1, MemberState::Absent}}, {2, 3});
  for (int i = 0; i < 40; ++i) raise(0, {}, {0, 1});
  EXPECT_EQ(Errc::Forked, reach({0, 1, 2, 3}).error().code);
  EXPECT_EQ(Errc::Forked, reach({3, 0, 1}).error().code);
}

TEST_F(Configurations, HalfTheVolumesMayBeAStaleHalf) {
  create(1, 1);
  EXPECT_EQ(Access::ReadOnlyPossiblyStale, reach({0}).value().access);
  EXPECT_EQ(Access::ReadWrite, reach({0}, state_file(0)).value().access);
  raise(0, {{1, MemberState::Absent}}, {0});
  EXPECT_EQ(Access::ReadOnlyPossiblyStale, reach({0}).value().access);
  EXPECT_EQ(Access::ReadWrite, reach({0, 1}).value().access) << "the stale one is a witness";
  create(2, 2);
  EXPECT_EQ(Access::ReadOnlyPossiblyStale, reach({1, 3}).value().access);
  EXPECT_EQ(Access::ReadWrite, reach({1, 2, 3}).value().access);
}

TEST_F(Configurations, AMachineThatSawANewerStateNoticesARollback) {
  create(2, 1);
  const KnownConfiguration before = state_file(0);
  const std::map<std::size_t, Superblock> backup = disks_;
  raise(0, {}, {0, 1, 2});
  const KnownConfiguration after = state_file(0);
  EXPECT_EQ(Access::ReadWrite, reach({0, 1, 2}, before).value().access);
  EXPECT_EQ(Access::ReadWrite, reach({0, 1, 2}, after).value().access);
  disks_ = backup;
  EXPECT_EQ(Access::ReadOnlyRolledBack, reach({0, 1, 2}, after).value().access);
}

TEST_F(Configurations, AVolumeRestoredFromAnOldBackupIsStale) {
  create(2, 1);
  const Superblock old = disks_[2];
  for (int i = 0; i < 40; ++i) raise(0, {}, {0, 1, 2});
  disks_[2] = old;
  EXPECT_EQ(VolumeStanding::Stale, reach({0, 1, 2}).value().standings[2]);
}

TEST_F(Configurations, EmptyAndReplacedVolumesCountForNothing) {
  create(2, 1);
  raise(0, {{2, MemberState::Empty}}, {0, 1, 2});
  EXPECT_EQ(VolumeStanding::Empty, reach({0, 1, 2}).value().standings[2]);
  raise(0, {{2, MemberState::Replaced}}, {0, 1});
  Assessment found = reach({0, 1, 2}).value();
  EXPECT_EQ(VolumeStanding::NotMember, found.standings[2]);
  EXPECT_EQ(2U, found.member_count);
}

TEST_F(Configurations, StrangersAndClonesAreRefused) {
  create(2, 1);
  const Superblock stranger = disks_[0];
  create(2, 1);
  EXPECT_EQ(Errc::InvalidArgument,
            assess(std::vector<Superblock>{disks_[0], stranger}, {}).error().code);
  EXPECT_EQ(Errc::Conflict, reach({0, 1, 0}).error().code);
}

TEST_F(Configurations, UnknownReadOnlyFeaturesForbidWriting) {
  create(1, 0);
  disks_[0].features_read_only_compatible = 1;
  EXPECT_EQ(Access::ReadOnlyFeatures, reach({0}).value().access);
}

TEST_F(Configurations, ARaiseNeedsAllButParityAndKeepsABoundedHistory) {
  create(3, 2);
  EXPECT_EQ(3U, raise_quorum(disks_[0]));
  for (int i = 0; i < 20; ++i) raise(0, {}, {0, 1, 2, 3, 4});
  EXPECT_EQ(EpochId(21), disks_[0].epoch);
  EXPECT_EQ(Superblock::kAncestorsMax, disks_[0].ancestors.size());
  create(1, 0);
  EXPECT_EQ(1U, raise_quorum(disks_[0]));
  EXPECT_EQ(Errc::NotFound,
            set_member_state(disks_[0], VolumeUuid(crypto::random_uuid()), MemberState::Stale)
                .error()
                .code);
}

}  // namespace
}  // namespace coffer
