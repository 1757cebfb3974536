#include "store_fixture.h"

namespace coffer::test {
namespace {

struct Geometry {
  std::uint8_t k;
  std::uint8_t m;
};
void PrintTo(const Geometry& g, std::ostream* out) { *out << int{g.k} << '+' << int{g.m}; }

class SegmentStoreGeometry : public ::testing::TestWithParam<Geometry> {};

const std::vector<std::size_t> kSizes{1,       15,        16,        4096,      16383,    16384,
                                      16385,   32768,     100'000,   524'288,   524'289,  527'000,
                                      540'000, 1'000'000, 2'097'152, 2'500'000, 5'000'001};

TEST_P(SegmentStoreGeometry, EverySizeReadsBackAtOnceAfterWriteOutAndAfterSync) {
  Machine machine(GetParam().k, GetParam().m);
  std::vector<Written> all;
  for (std::size_t i = 0; i < kSizes.size(); ++i) all.push_back(machine.append(i + 1, kSizes[i]));
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  ASSERT_TRUE(machine.store->write_out());
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  all.push_back(machine.append(100, 70'000));
  ASSERT_TRUE(machine.store->sync());
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  EXPECT_TRUE(machine.journal.damaged.empty());
  EXPECT_EQ(machine.store->stats().bytes_unsynced, 0U);
}

TEST_P(SegmentStoreGeometry, AnyPartOfARunReadsBackWithAndWithoutCache) {
  Machine machine(GetParam().k, GetParam().m);
  const Written one = machine.append(1, 200'000);
  ASSERT_TRUE(machine.store->sync());
  const Place place = one.references.front().place;
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 300; ++i) {
    const auto skip = static_cast<std::uint32_t>(random() % place.bytes);
    const auto bytes = 1 + random() % std::min<std::uint64_t>(40'000, place.bytes - skip);
    std::string got(bytes, '?');
    const auto use = i % 2 == 0 ? SegmentStore::CacheUse::Keep : SegmentStore::CacheUse::Bypass;
    ASSERT_TRUE(machine.store->read(place, skip,
                                    {reinterpret_cast<std::byte*>(got.data()), got.size()}, use));
    ASSERT_EQ(got, one.content.substr(skip, bytes)) << "seed " << seed;
  }
}

TEST_P(SegmentStoreGeometry, AnyMAbsentVolumesLeaveTheBytesAndOneMoreGivesIo) {
  const auto [k, m] = GetParam();
  Machine machine(k, m);
  std::vector<Written> all;
  for (std::size_t i = 0; i < 12; ++i) {
    all.push_back(machine.append(i + 1, kSizes[i]));
    if (i % 4 == 3) {
      ASSERT_TRUE(machine.store->sync());  // short stripes
    }
  }
  const Written whole = machine.append(50, 3'000'000);
  ASSERT_TRUE(machine.store->sync());
  const std::uint32_t n = std::uint32_t{k} + m;
  for (std::uint32_t mask = 0; mask < 1U << n; ++mask) {
    const int absent = std::popcount(mask);
    if (absent > m + 1) continue;
    for (std::uint32_t i = 0; i < n; ++i) {
      machine.set_state(
          i, (mask >> i & 1U) != 0 ? VolumeSet::State::Absent : VolumeSet::State::Current);
    }
    if (absent <= m) {
      for (const Written& one : all) ASSERT_EQ(machine.check(one), "") << "absent " << mask;
      ASSERT_EQ(machine.check(whole), "");
    } else {
      // 3 MB lie on every data shard, so that some of it is beyond repair.
      const std::string what = machine.check(whole);
      ASSERT_EQ(what.substr(0, 2), "Io") << what << " absent " << mask;
    }
  }
}

TEST_P(SegmentStoreGeometry, APowerCutAfterSyncKeepsEverything) {
  Machine machine(GetParam().k, GetParam().m);
  std::vector<Written> all;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    all.push_back(machine.append(i + 1, kSizes[i]));
    if (i % 5 == 4) {
      ASSERT_TRUE(machine.store->sync());
    }
  }
  ASSERT_TRUE(machine.store->sync());
  const Written later = machine.append(99, 300'000);
  machine.clock->crash();
  machine.store.reset();
  for (std::size_t i = 0; i < machine.disks.size(); ++i) machine.disks[i]->power_cut(i + 7);
  machine.open();
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
  const Place place = all.front().references.front().place;
  EXPECT_TRUE(machine.store->stripe_closed(place.segment, place.stripe).value());
  EXPECT_TRUE(machine.store->verify(place));
  EXPECT_TRUE(machine.store->sync_known(place.segment).value().empty());
  const Place lost = later.references.front().place;
  EXPECT_FALSE(machine.store->stripe_closed(lost.segment, lost.stripe).value());
  EXPECT_FALSE(machine.store->verify(lost));
}

INSTANTIATE_TEST_SUITE_P(Geometries, SegmentStoreGeometry,
                         ::testing::Values(Geometry{1, 0}, Geometry{1, 1}, Geometry{2, 2},
                                           Geometry{4, 2}, Geometry{3, 1}));

TEST(SegmentStore, WriteOutSurvivesTheDeathOfTheProcess) {
  Machine machine(2, 1);
  const Written one = machine.append(1, 300'000);
  ASSERT_TRUE(machine.store->write_out());
  const Written two = machine.append(2, 5'000);
  ASSERT_TRUE(machine.store->write_out());
  machine.clock->crash();
  machine.store.reset();
  for (const auto& disk : machine.disks) disk->process_crash();
  machine.open();
  EXPECT_EQ(machine.check(one), "");
  EXPECT_EQ(machine.check(two), "");
}

TEST(SegmentStore, ASmallCommitTouchesOneDataVolumeAndParity) {
  Machine machine(4, 2);
  const Written one = machine.append(1, 3'000);
  ASSERT_TRUE(machine.store->sync());
  int with_bytes = 0;
  for (const auto& disk : machine.disks) {
    for (const std::string& path : disk->paths()) {
      if (path.find(".shard") != std::string::npos && !disk->content(path)->empty()) ++with_bytes;
    }
  }
  EXPECT_EQ(with_bytes, 3);
  EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentStore, ARemovedSegmentIsNotFoundAndItsFilesAreGone) {
  Machine machine(2, 1);
  const Written one = machine.append(1, 100'000);
  ASSERT_TRUE(machine.store->seal_open());
  const SegmentId id = one.references.front().place.segment;
  EXPECT_EQ(machine.journal.rows[id].state, SegmentInfo::State::Sealed);
  ASSERT_TRUE(machine.store->remove(id));
  EXPECT_EQ(machine.check(one).substr(0, 8), "NotFound");
  EXPECT_EQ(machine.store->remove(id).error().code, Errc::NotFound);
  for (const auto& disk : machine.disks) {
    for (const std::string& path : disk->paths()) {
      EXPECT_EQ(path.find(".shard"), std::string::npos) << path;
    }
  }
}

TEST(SegmentStore, ASegmentEndsAtItsLimitAndIsReportedSealed) {
  Machine machine(1, 0);
  machine.options.shard_bytes_max = 1U << 20;
  machine.open();
  std::vector<Written> all;
  for (std::uint64_t i = 1; i <= 8; ++i) {
    all.push_back(machine.append(i, 500'000));
    ASSERT_TRUE(machine.store->sync());
  }
  all.push_back(machine.append(9, 10));
  ASSERT_TRUE(machine.store->seal_open());
  EXPECT_GE(machine.journal.rows.size(), 4U);
  for (const auto& [id, row] : machine.journal.rows) {
    EXPECT_EQ(row.state, SegmentInfo::State::Sealed) << id.value();
  }
  for (const Written& one : all) EXPECT_EQ(machine.check(one), "");
}

TEST(SegmentStore, StreamsHaveSegmentsOfTheirOwn) {
  Machine machine(1, 1);
  const Written one = machine.append(1, 1000);
  const Written two = machine.append(2, 1000, SegmentStore::Stream::Survivors);
  EXPECT_NE(one.references.front().place.segment, two.references.front().place.segment);
  ASSERT_TRUE(machine.store->sync());
  EXPECT_EQ(machine.check(one), "");
  EXPECT_EQ(machine.check(two), "");
}

TEST(SegmentStore, AppendsAfterCloseAreRefused) {
  Machine machine(1, 0);
  machine.append(1, 1000);
  ASSERT_TRUE(machine.store->close());
  const auto refused = machine.store->append(SegmentStore::Stream::NewData, InodeId(1),
                                             ByteOffset(0), as_bytes("x"));
  EXPECT_EQ(refused.error().code, Errc::ShuttingDown);
}

}  // namespace
}  // namespace coffer::test
