#include "vault/segment/segment_repair.h"

#include <random>

#include "store_fixture.h"

namespace coffer::test {
namespace {

std::string shard_path(const SegmentInfo& info) {
  const std::string uid = info.uid.value().to_string();
  return "segments/" + uid.substr(0, 2) + "/" + uid + ".shard";
}

const SegmentStore::UpkeepStep kGoOn = [](std::uint64_t) { return Result<void>(); };

/// CRC32C is linear: adding the polynomial's 33 bits anywhere changes no checksum.
void forge(std::string& bytes, std::size_t begin) {
  const std::uint64_t polynomial = 0x1'1EDC'6F41ULL;
  for (unsigned i = 0; i < 33; ++i) {
    if ((polynomial >> (32 - i) & 1U) == 0) continue;
    const std::size_t at = begin + i / 8;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (i % 8)));
  }
}

/// Three files in one sealed segment, and what its shard files hold.
class Repair : public testing::TestWithParam<std::pair<int, int>> {
 protected:
  Repair()
      : machine(static_cast<std::uint8_t>(GetParam().first),
                static_cast<std::uint8_t>(GetParam().second)) {
    for (std::uint64_t i = 1; i <= 3; ++i) {
      files.push_back(machine.append(i, i == 2 ? 100 : 1'700'000));
      EXPECT_TRUE(machine.store->sync());
    }
    EXPECT_TRUE(machine.store->seal_open());
    info = machine.journal.rows.begin()->second;
    EXPECT_EQ(machine.journal.rows.size(), 1U);
    for (const std::uint8_t member : info.members) right.push_back(content(member));
  }
  std::string content(std::uint8_t member) {
    return machine.disks[member]->content(shard_path(info)).value_or("<none>");
  }
  SegmentReceipt check(const ListedShards& listed = {}) {
    auto receipt = machine.store->check(info.id, listed, kGoOn);
    EXPECT_TRUE(receipt) << receipt.error().context;
    return receipt.value_or(SegmentReceipt{});
  }
  void rebuild(std::uint32_t slots, const ListedShards& listed = {}) {
    const auto receipt = machine.store->rebuild(info.id, slots, listed, kGoOn);
    ASSERT_TRUE(receipt) << receipt.error().context;
    EXPECT_EQ(receipt->rebuilt_slots, slots);
    EXPECT_TRUE(receipt->unexplained.empty());
  }
  void expect_as_it_was() {
    for (std::size_t slot = 0; slot < info.members.size(); ++slot)
      EXPECT_EQ(content(info.members[slot]) == right[slot], true) << "slot " << slot;
    for (std::size_t i = 0; i < machine.disks.size(); ++i) {
      std::size_t shards = 0;
      for (const std::string& path : machine.disks[i]->paths()) shards += path.ends_with(".shard");
      EXPECT_EQ(shards, 1U) << "disk " << i;
    }
    for (const Written& file : files) EXPECT_EQ(machine.check(file), "");
  }

  Machine machine;
  std::vector<Written> files;
  SegmentInfo info;
  std::vector<std::string> right;  // by slot
};

TEST_P(Repair, AWholeSegmentIsFoundWhole) {
  const SegmentReceipt receipt = check();
  EXPECT_GE(receipt.stripes.size(), 3U);
  EXPECT_TRUE(receipt.faults.empty());
  EXPECT_TRUE(receipt.unexplained.empty());
  EXPECT_EQ(receipt.chunks_unverified, 0U);
  EXPECT_GT(receipt.chunks, 200U);
  EXPECT_EQ(receipt.bad_slots, 0U);
}

TEST_P(Repair, LostFilesAreMadeAnewToTheByte) {
  const auto parity = static_cast<std::uint32_t>(GetParam().second);
  for (std::uint32_t first = 0; first < info.members.size(); ++first) {
    std::uint32_t slots = 0;
    for (std::uint32_t i = 0; i < parity; ++i) {
      const std::uint32_t slot = (first + i) % static_cast<std::uint32_t>(info.members.size());
      slots |= 1U << slot;
      ASSERT_TRUE(machine.disks[info.members[slot]]->erase(shard_path(info)));
    }
    machine.open();
    EXPECT_EQ(check().bad_slots, slots);
    EXPECT_EQ(machine.store->survey(info.id)->missing_slots, slots);
    rebuild(slots);
    expect_as_it_was();
    EXPECT_EQ(check().bad_slots, 0U);
  }
}

TEST_P(Repair, FlippedBitsOnAsManyVolumesAsThereIsParityForAreFoundAndMended) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 12; ++round) {
    std::uint32_t slots = 0;
    std::set<std::uint32_t> chosen;
    while (chosen.size() < static_cast<std::size_t>(GetParam().second))
      chosen.insert(static_cast<std::uint32_t>(random() % info.members.size()));
    for (const std::uint32_t slot : chosen) {
      for (int flip = 0; flip < 5; ++flip) {
        const std::string& bytes = right[slot];
        const std::uint64_t at = random() % bytes.size();
        ASSERT_TRUE(machine.disks[info.members[slot]]->flip_bit(
            shard_path(info), ByteOffset(at), static_cast<unsigned>(random() % 8)));
      }
      if (content(info.members[slot]) != right[slot]) slots |= 1U << slot;
    }
    machine.open();
    const SegmentReceipt receipt = check();
    EXPECT_TRUE(receipt.unexplained.empty());
    EXPECT_EQ(receipt.bad_slots & ~slots, 0U) << "nothing is blamed that was not touched";
    // A bit in what no stripe uses is nobody's, and is not looked at.
    if (receipt.bad_slots != 0) rebuild(receipt.bad_slots);
    EXPECT_EQ(check().bad_slots, 0U);
    rebuild((1U << info.members.size()) - 1);
    expect_as_it_was();
  }
}

TEST_P(Repair, WhatIsListedIsWrittenAgainAndNotBelieved) {
  // As after a sync that failed: the pages read well and may be on no disk.
  ListedShards listed;
  listed.slots = 1;
  EXPECT_EQ(check(listed).bad_slots, 1U);
  rebuild(1, listed);
  expect_as_it_was();
  EXPECT_EQ(check().bad_slots, 0U);
}

TEST_P(Repair, BeyondParityNothingIsWrittenAndWhatStandsIsKept) {
  const auto too_many = static_cast<std::uint32_t>(GetParam().second) + 1;
  for (std::uint32_t slot = 0; slot < too_many; ++slot) {
    ASSERT_TRUE(
        machine.disks[info.members[slot]]->flip_bit(shard_path(info), ByteOffset(30'000), 1));
  }
  machine.open();
  std::vector<std::string> damaged;
  for (const std::uint8_t member : info.members) damaged.push_back(content(member));
  const SegmentReceipt receipt = check();
  EXPECT_EQ(receipt.unexplained.size(), 1U);
  ASSERT_TRUE(machine.store->rebuild(info.id, (1U << too_many) - 1, {}, kGoOn));
  for (std::size_t slot = 0; slot < info.members.size(); ++slot)
    EXPECT_EQ(content(info.members[slot]) == damaged[slot], true) << "slot " << slot;
}

TEST_P(Repair, ACrashAtAnyOperationLeavesTheOldFileOrTheNewOne) {
  const std::uint8_t member = info.members[0];
  ASSERT_TRUE(machine.disks[member]->flip_bit(shard_path(info), ByteOffset(30'000), 1));
  const std::string damaged = content(member);
  std::uint64_t operations = 0;
  {
    machine.open();
    const MemoryDisk::Image image = machine.disks[member]->snapshot();
    machine.open();
    const std::uint64_t begin = machine.clock->operations();
    rebuild(1);
    operations = machine.clock->operations() - begin;
    machine.disks[member]->restore(image);
    EXPECT_GT(operations, 10U);
  }
  int fresh = 0;
  int old = 0;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    machine.open();
    const MemoryDisk::Image image = machine.disks[member]->snapshot();
    machine.open();
    machine.clock->crash_at(machine.clock->operations() + 1 + operations * (i - 1) / 40);
    if (machine.store->rebuild(info.id, 1, {}, kGoOn)) ++fresh;
    machine.clock->crash();
    machine.clock->crash_at(0);
    for (std::size_t d = 0; d < machine.disks.size(); ++d) machine.disks[d]->power_cut(i * 7 + d);
    const std::string now = content(member);
    const bool is_new = now == right[0];
    old += now == damaged ? 1 : 0;
    fresh += is_new ? 1 : 0;
    EXPECT_EQ(is_new || now == damaged, true) << "operation " << i;
    machine.disks[member]->restore(image);
  }
  EXPECT_GT(old, 0);
  machine.open();
}

TEST_P(Repair, AFileThatIsNotSyncedNeverTakesTheName) {
  const std::uint8_t member = info.members[0];
  ASSERT_TRUE(machine.disks[member]->flip_bit(shard_path(info), ByteOffset(30'000), 1));
  machine.open();
  const std::string damaged = content(member);
  machine.disks[member]->faults().add({.kind = IoKind::ShardSync, .effect = FaultEffect::Io});
  EXPECT_FALSE(machine.store->rebuild(info.id, 1, {}, kGoOn));
  EXPECT_EQ(content(member) == damaged, true);
  EXPECT_TRUE(machine.journal.failed.contains(member));
}

TEST_P(Repair, AForgedShardWithRightChecksumsIsNotCopiedIntoOthers) {
  if (GetParam().second < 2) GTEST_SKIP() << "with one shard left out there is nothing to compare";
  const std::uint32_t slot = slot_of(0, 0, static_cast<std::uint32_t>(info.members.size()));
  std::string bytes = content(info.members[slot]);
  forge(bytes, 512 + 5'000);
  ASSERT_TRUE(machine.disks[info.members[slot]]->set_content(shard_path(info), bytes));
  const std::uint32_t other = slot == 0 ? 1 : 0;
  ASSERT_TRUE(machine.disks[info.members[other]]->erase(shard_path(info)));
  machine.open();
  const SegmentReceipt receipt = check();
  EXPECT_TRUE(receipt.unexplained.empty());
  EXPECT_EQ(receipt.bad_slots, 1U << slot | 1U << other);
  bool found_wrong = false;
  for (const ShardFault& fault : receipt.faults)
    found_wrong = found_wrong || (fault.shard.stripe == 0 && fault.shard.shard == 0 &&
                                  fault.state == ShardFinding::State::Wrong);
  EXPECT_TRUE(found_wrong);
  rebuild(1U << other);
  EXPECT_EQ(content(info.members[other]) == right[other], true);
  rebuild(1U << slot);
  expect_as_it_was();
}

TEST_P(Repair, AListedShardDecidesWhereOthersWereForged) {
  const auto shards = static_cast<std::uint32_t>(info.members.size());
  const auto parity = static_cast<std::uint32_t>(GetParam().second);
  ListedShards listed;
  listed.stripes[0] = 1U << (shards - 1);
  for (std::uint32_t shard = 0; shard < parity; ++shard) {
    const std::uint8_t member = info.members[slot_of(0, shard, shards)];
    std::string bytes = content(member);
    forge(bytes, 512 + 5'000 + 40 * shard);
    ASSERT_TRUE(machine.disks[member]->set_content(shard_path(info), bytes));
  }
  machine.open();
  const SegmentReceipt receipt = check(listed);
  EXPECT_TRUE(receipt.unexplained.empty());
  EXPECT_EQ(receipt.chunks_unverified, 0U);
  rebuild((1U << shards) - 1, listed);
  expect_as_it_was();
}

TEST_P(Repair, WhatCannotBeReadTakesNothingBesideItAlong) {
  // Beyond parity in the first stripe, and one read of what is to be kept fails.
  const auto too_many = static_cast<std::uint32_t>(GetParam().second) + 1;
  for (std::uint32_t slot = 0; slot < too_many; ++slot) {
    ASSERT_TRUE(
        machine.disks[info.members[slot]]->flip_bit(shard_path(info), ByteOffset(30'000), 1));
  }
  machine.open();
  const std::uint8_t member = info.members[0];
  const std::string before = content(member);
  bool failed_once = false;
  for (std::uint64_t nth = 3; nth < 12 && !failed_once; ++nth) {
    machine.disks[member]->faults().add({.kind = IoKind::ShardRead, .nth = nth});
    ASSERT_TRUE(machine.store->rebuild(info.id, 1, {}, kGoOn));
    machine.disks[member]->faults().clear();
    const std::string after = content(member);
    std::size_t differ = 0;
    for (std::size_t at = 0; at < before.size(); at += kStripeBlockBytes)
      differ += before.substr(at, kStripeBlockBytes) !=
                (at < after.size() ? after.substr(at, kStripeBlockBytes) : "");
    EXPECT_LE(differ, 1U) << "read " << nth;
    failed_once = differ == 1;
  }
  EXPECT_TRUE(failed_once);
}

TEST_P(Repair, ASegmentThatIsRemovedMeanwhileLeavesNoFile) {
  const std::uint8_t member = info.members[0];
  ASSERT_TRUE(machine.disks[member]->erase(shard_path(info)));
  machine.open();
  bool removed = false;
  const auto receipt = machine.store->rebuild(info.id, 1, {}, [&](std::uint64_t) -> Result<void> {
    if (!std::exchange(removed, true)) static_cast<void>(machine.store->remove(info.id));
    return {};
  });
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, Errc::NotFound);
  for (const auto& disk : machine.disks) {
    for (const std::string& path : disk->paths()) EXPECT_FALSE(path.ends_with(".shard")) << path;
  }
}

TEST_P(Repair, ItCanBeStoppedBetweenStripes) {
  const auto receipt = machine.store->rebuild(
      info.id, 1, {}, [](std::uint64_t) { return Result<void>(fail(Errc::Cancelled)); });
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, Errc::Cancelled);
  expect_as_it_was();
}

INSTANTIATE_TEST_SUITE_P(Geometries, Repair,
                         testing::Values(std::pair{1, 1}, std::pair{2, 2}, std::pair{4, 2}),
                         [](const auto& of) {
                           return std::to_string(of.param.first) + "and" +
                                  std::to_string(of.param.second);
                         });

}  // namespace
}  // namespace coffer::test
