#include "vault/volume/memory_volume.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "vault/volume/io_wait.h"
#include "vault/volume/local_volume.h"

namespace coffer {
namespace {

constexpr int kSeeds = 200;  // enough that every outcome that a cut may have is seen

std::uint64_t test_seed() {
  if (const char* fixed = std::getenv("COFFER_TEST_SEED")) return std::strtoull(fixed, nullptr, 10);
  return std::random_device{}();
}

/// One disk and the present session on it.
class Machine {
 public:
  Machine() { reopen(); }
  void reopen() { volume = std::move(*open_memory_volume(disk)); }
  void power_cut(std::uint64_t seed) {
    volume.reset();
    clock->crash_at(0);
    disk->power_cut(seed);
    reopen();
  }
  FileArea& files() const { return volume->files(); }

  IoSlice slice(std::string_view text) {
    BufferRef buffer = pool.take(text.size());
    std::copy_n(as_bytes(text).begin(), text.size(), buffer.data());
    return {buffer, buffer.span().first(text.size())};
  }
  Result<std::shared_ptr<ShardFile>> create(std::string_view name) const {
    IoWait<std::shared_ptr<ShardFile>> wait;
    volume->shards().create(name, wait.completion());
    return wait.wait();
  }
  Result<std::shared_ptr<ShardFile>> open(std::string_view name) const {
    IoWait<std::shared_ptr<ShardFile>> wait;
    volume->shards().open(name, wait.completion());
    return wait.wait();
  }
  Result<void> write(ShardFile& file, std::uint64_t at, std::string_view text) {
    IoWait<void> wait;
    file.write(ByteOffset(at), {slice(text)}, wait.completion());
    return wait.wait();
  }
  static Result<void> sync(ShardFile& file) {
    IoWait<void> wait;
    file.sync(wait.completion());
    return wait.wait();
  }
  Result<std::string> read(ShardFile& file, std::uint64_t at, std::size_t length) {
    BufferRef buffer = pool.take(length);
    IoWait<ByteCount> wait;
    file.read(ByteOffset(at), {buffer, buffer.span().first(length)}, wait.completion());
    COFFER_ASSIGN(const ByteCount got, wait.wait());
    return std::string(as_text(buffer.span().first(got.value())));
  }
  std::vector<std::string> shards() const {
    IoWait<std::vector<std::string>> wait;
    volume->shards().list(wait.completion());
    return *wait.wait();
  }

  BufferPool pool;
  std::shared_ptr<FaultClock> clock = std::make_shared<FaultClock>();
  std::shared_ptr<MemoryDisk> disk = MemoryDisk::make({.name = "d0", .clock = clock});
  std::unique_ptr<Volume> volume;
};

/// Writes without making anything durable.
void put(FileArea& files, std::string_view path, std::string_view text) {
  auto file = files.create(path, FileArea::Create::Truncate);
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE((*file)->append(as_bytes(text)).has_value());
}
void put_durably(FileArea& files, std::string_view path, std::string_view text) {
  ASSERT_TRUE(write_file_atomically(files, path, as_bytes(text)).has_value());
}
std::string get(FileArea& files, std::string_view path) {
  auto content = read_file(files, path, ByteCount(1 << 20));
  return content ? *content : std::string(to_string(content.error().code));
}

TEST(RangeSet, AgreesWithAListOfNumbers) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("COFFER_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  RangeSet ranges;
  std::set<std::uint64_t> model;
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t begin = random() % 64;
    const std::uint64_t end = begin + random() % 12;
    const bool add = random() % 2 == 0;
    if (add)
      ranges.add(begin, end);
    else
      ranges.subtract(begin, end);
    for (std::uint64_t i = begin; i < end; ++i) {
      if (add)
        model.insert(i);
      else
        model.erase(i);
    }
    for (std::uint64_t i = 0; i < 80; ++i) ASSERT_EQ(ranges.contains(i), model.contains(i)) << i;
    std::uint64_t after = 0;
    for (const auto& [from, to] : ranges.ranges()) {
      ASSERT_LT(from, to);
      ASSERT_TRUE(from > after || from == 0) << "ranges that touch are merged";
      after = to;
    }
  }
}

TEST(PowerCut, SyncedBytesSurviveAndTheRestIsKeptTornOrDropped) {
  const std::string synced(1300, 's');
  const std::string later(3000, 'l');
  std::set<std::string> outcomes;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    auto file = *machine.create("ab01");
    ASSERT_TRUE(machine.write(*file, 0, synced));
    ASSERT_TRUE(Machine::sync(*file));
    ASSERT_TRUE(machine.write(*file, synced.size(), later));
    file.reset();
    machine.power_cut(static_cast<std::uint64_t>(seed));
    const auto again = machine.open("ab01");
    ASSERT_TRUE(again.has_value()) << "the name was synced with the shard";
    const std::string content = *machine.read(**again, 0, 10'000);
    ASSERT_EQ(content.substr(0, synced.size()), synced);
    const std::string tail = content.substr(synced.size());
    for (const char c : tail) ASSERT_TRUE(c == 'l' || c == '\0');
    if (tail.empty())
      outcomes.insert("dropped");
    else if (tail == later)
      outcomes.insert("kept");
    else if (tail.find(std::string("\0l", 2)) != std::string::npos)
      outcomes.insert("reordered");
    else if (tail.size() < later.size())
      outcomes.insert("cut");
    else
      outcomes.insert("holes");
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"dropped", "kept", "reordered", "cut", "holes"}));
}

TEST(PowerCut, AnUnsyncedShardMayBeGone) {
  std::set<bool> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    ASSERT_TRUE(machine.create("ab01").has_value());
    machine.power_cut(static_cast<std::uint64_t>(seed));
    seen.insert(machine.shards().empty());
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(PowerCut, AnUnsyncedRenameLeavesTheOldOrTheNewFile) {
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    put_durably(machine.files(), "file", "old");
    auto fresh = machine.files().create("fresh", FileArea::Create::Exclusive);
    ASSERT_TRUE((*fresh)->append(as_bytes("new")).has_value());
    ASSERT_TRUE((*fresh)->sync().has_value());
    ASSERT_TRUE(machine.files().rename("fresh", "file").has_value());
    fresh->reset();
    machine.power_cut(static_cast<std::uint64_t>(seed));
    seen.insert(get(machine.files(), "file"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(PowerCut, ARenameWithoutASyncOfTheFileShowsTheBug) {
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    put_durably(machine.files(), "file", "old");
    put(machine.files(), "fresh", "new");
    ASSERT_TRUE(machine.files().rename("fresh", "file").has_value());
    ASSERT_TRUE(machine.files().sync_directory("").has_value());
    machine.power_cut(static_cast<std::uint64_t>(seed));
    seen.insert(get(machine.files(), "file"));
  }
  EXPECT_TRUE(seen.contains("")) << "the name is durable, the content was never synced";
  EXPECT_FALSE(seen.contains("old"));
}

TEST(PowerCut, AFileThatMovesByLinkAndRemoveIsNeverLost) {
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    put_durably(machine.files(), "a", "x");
    ASSERT_TRUE(machine.files().make_directory("d").has_value());
    ASSERT_TRUE(machine.files().sync_directory("").has_value());
    ASSERT_TRUE(machine.files().link("a", "d/b").has_value());
    ASSERT_TRUE(machine.files().remove("a").has_value());
    machine.power_cut(static_cast<std::uint64_t>(seed));
    std::string names;
    for (const std::string& path : machine.disk->paths()) names += path + " ";
    seen.insert(names);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"a ", "a d/b ", "d/b "}));
}

TEST(PowerCut, WhatWasMovedOutOfARemovedDirectoryIsNeverLost) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    ASSERT_TRUE(machine.files().make_directory("d").has_value());
    put_durably(machine.files(), "d/a", "x");
    ASSERT_TRUE(machine.files().sync_directory("").has_value());
    ASSERT_TRUE(machine.files().rename("d/a", "b").has_value());
    ASSERT_TRUE(machine.files().remove_directory("d").has_value());
    machine.power_cut(static_cast<std::uint64_t>(seed));
    ASSERT_EQ(machine.disk->paths().size(), 1U) << seed;
    ASSERT_EQ(machine.disk->content(machine.disk->paths()[0]).value(), "x");
  }
}

TEST(PowerCut, ATruncatedFileHasOldOrNewSectorsOrNothing) {
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    put_durably(machine.files(), "file", std::string(1024, 'o'));
    put(machine.files(), "file", std::string(512, 'n'));
    machine.power_cut(static_cast<std::uint64_t>(seed));
    const std::string content = get(machine.files(), "file");
    seen.insert(content);
    for (const char c : content) ASSERT_TRUE(c == 'o' || c == 'n' || c == '\0');
  }
  EXPECT_TRUE(seen.contains(std::string(1024, 'o')));
  EXPECT_TRUE(seen.contains(std::string(512, 'n')));
}

TEST(PowerCut, NamesAreDurableOnceTheirDirectoryIsSynced) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    ASSERT_TRUE(machine.files().make_directory("a/b").has_value());
    ASSERT_TRUE(machine.files().sync_directory("").has_value());
    ASSERT_TRUE(machine.files().sync_directory("a").has_value());
    put_durably(machine.files(), "a/b/file", "x");
    ASSERT_TRUE(machine.files().remove("a/b/file").has_value());
    ASSERT_TRUE(machine.files().sync_directory("a/b").has_value());
    put_durably(machine.files(), "a/b/other", "y");
    machine.power_cut(static_cast<std::uint64_t>(seed));
    ASSERT_EQ(machine.disk->paths(), (std::vector<std::string>{"a/b/other"}));
    ASSERT_EQ(get(machine.files(), "a/b/other"), "y");
  }
}

TEST(PowerCut, TheSameSeedGivesTheSameDisk) {
  const auto run = [](std::uint64_t seed) {
    Machine machine;
    for (int i = 0; i < 20; ++i) {
      put(machine.files(), "f" + std::to_string(i), std::string(2000, static_cast<char>('a' + i)));
    }
    machine.power_cut(seed);
    std::string all;
    for (const std::string& path : machine.disk->paths()) {
      all += path + "=" + *machine.disk->content(path);
    }
    return all;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(run(seed), run(seed));
}

TEST(ProcessCrash, KeepsWhatWasWrittenButMakesNothingDurable) {
  std::set<bool> kept;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    auto old_volume = std::move(machine.volume);
    put(old_volume->files(), "file", "x");
    machine.disk->process_crash();
    EXPECT_EQ(get(old_volume->files(), "file"), "ShuttingDown");
    machine.reopen();
    ASSERT_EQ(get(machine.files(), "file"), "x");
    machine.power_cut(static_cast<std::uint64_t>(seed));
    kept.insert(get(machine.files(), "file") == "x");
  }
  EXPECT_EQ(kept.size(), 2U);
}

TEST(FaultClock, StopsEveryDiskOfTheMachineAtTheChosenOperation) {
  Machine machine;
  auto other_disk = MemoryDisk::make({.name = "d1", .clock = machine.clock});
  auto other = std::move(*open_memory_volume(other_disk));
  put_durably(machine.files(), "a", "1");
  machine.clock->crash_at(machine.clock->operations() + 2);
  EXPECT_TRUE(machine.files().rename("a", "b").has_value());
  EXPECT_EQ(other->files().make_directory("d").error().code, Errc::ShuttingDown);
  EXPECT_EQ(machine.files().rename("b", "c").error().code, Errc::ShuttingDown);
  const std::uint64_t stopped = machine.clock->operations();
  EXPECT_EQ(machine.create("ab01").error().code, Errc::ShuttingDown);
  EXPECT_EQ(machine.clock->operations(), stopped) << "a dead program does no I/O";
  machine.disk->process_crash();
  machine.reopen();
  EXPECT_EQ(get(machine.files(), "b"), "1");
  EXPECT_FALSE(std::move(*open_memory_volume(other_disk))->files().list("d").has_value());
}

TEST(FaultClock, TheHookSeesEveryOperationInOrder) {
  Machine machine;
  std::string seen;
  machine.clock->on_operation([&seen](std::uint64_t, const IoEvent& event) {
    seen += std::string(event.disk) + ":" + std::string(to_string(event.kind)) + " ";
  });
  put_durably(machine.files(), "a", "1");
  machine.clock->on_operation({});
  EXPECT_EQ(seen, "d0:AreaCreate d0:AreaAppend d0:AreaSync d0:AreaRename d0:AreaSyncDirectory ");
}

TEST(FaultClock, AnAtomicallyWrittenFileIsWholeAfterACutAtEveryOperation) {
  std::set<std::string> seen;
  for (std::uint64_t at = 1; at <= 6; ++at) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Machine machine;
      put_durably(machine.files(), "file", "old");
      machine.clock->crash_at(machine.clock->operations() + at);
      const bool done = write_file_atomically(machine.files(), "file", as_bytes("new")).has_value();
      ASSERT_EQ(done, at == 6);
      machine.power_cut(seed);
      const std::string content = get(machine.files(), "file");
      ASSERT_TRUE(content == "new" || (!done && content == "old")) << at << " " << seed << content;
      seen.insert(content);
    }
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(FaultPlan, FailsTheNthOperationOnceOrForEver) {
  Machine machine;
  machine.disk->faults().add({.kind = IoKind::AreaMakeDirectory,
                              .path_contains = "x",
                              .nth = 2,
                              .effect = FaultEffect::Io});
  EXPECT_TRUE(machine.files().make_directory("x1").has_value());
  EXPECT_TRUE(machine.files().make_directory("y").has_value());
  EXPECT_EQ(machine.files().make_directory("x2").error().code, Errc::Io);
  EXPECT_TRUE(machine.files().make_directory("x2").has_value());
  machine.disk->faults().add({.kind = IoKind::AreaCreate,
                              .effect = FaultEffect::NoSpace,
                              .repeat = Fault::Repeat::Forever});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(machine.files().create("f", FileArea::Create::Truncate).error().code, Errc::NoSpace);
  }
  EXPECT_EQ(machine.disk->faults().fired(), 4U);
  machine.disk->faults().clear();
  EXPECT_TRUE(machine.files().create("f", FileArea::Create::Truncate).has_value());
}

TEST(FaultPlan, AFailedAppendLeavesAPartAndTakesNoMore) {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto disk = MemoryDisk::make({.seed = seed});
    auto volume = std::move(*open_memory_volume(disk));
    disk->faults().add({.kind = IoKind::AreaAppend});
    auto file = *volume->files().create("f", FileArea::Create::Exclusive);
    EXPECT_EQ(file->append(as_bytes("0123456789")).error().code, Errc::Io);
    EXPECT_EQ(file->append(as_bytes("x")).error().code, Errc::Io);
    EXPECT_EQ(file->sync().error().code, Errc::Io);
    const std::string left = *disk->content("f");
    EXPECT_EQ(left, std::string("0123456789").substr(0, left.size()));
    sizes.insert(left.size());
  }
  EXPECT_GT(sizes.size(), 3U);
}

TEST(FailedSync, ReadsWellLiesAfterARestartAndIsLostAtThePowerCut) {
  std::set<bool> kept;
  for (int seed = 0; seed < kSeeds; ++seed) {
    Machine machine;
    auto file = *machine.create("ab01");
    ASSERT_TRUE(machine.write(*file, 0, std::string(512, 'a')));
    ASSERT_TRUE(Machine::sync(*file));
    ASSERT_TRUE(machine.write(*file, 512, std::string(512, 'b')));
    machine.disk->faults().add({.kind = IoKind::ShardSync});
    ASSERT_EQ(Machine::sync(*file).error().code, Errc::Io);
    ASSERT_EQ(Machine::sync(*file).error().code, Errc::Io) << "poisoned";
    ASSERT_EQ(Machine::sync(**machine.open("ab01")).error().code, Errc::Io) << "for all handles";
    ASSERT_EQ(machine.write(*file, 1024, "c").error().code, Errc::Io);
    ASSERT_EQ(machine.read(*file, 512, 512).value(), std::string(512, 'b'));
    file.reset();
    machine.disk->process_crash();
    machine.reopen();
    file = *machine.open("ab01");
    ASSERT_TRUE(Machine::sync(*file).has_value()) << "Linux marked the pages clean";
    ASSERT_EQ(machine.read(*file, 512, 512).value(), std::string(512, 'b'));
    machine.power_cut(static_cast<std::uint64_t>(seed));
    const std::string content = *machine.disk->content("segments/ab/ab01.shard");
    ASSERT_EQ(content.size(), 1024U);
    ASSERT_EQ(content.substr(0, 512), std::string(512, 'a'));
    kept.insert(content.substr(512) == std::string(512, 'b'));
  }
  EXPECT_EQ(kept.size(), 2U);
}

TEST(FailedSync, AnEvictedPageReadsAsTheMediumHasIt) {
  Machine machine;
  auto file = *machine.create("ab01");
  ASSERT_TRUE(machine.write(*file, 0, "lost"));
  machine.disk->faults().add({.kind = IoKind::ShardSync});
  ASSERT_FALSE(Machine::sync(*file));
  EXPECT_EQ(machine.read(*file, 0, 4).value(), "lost");
  machine.disk->evict();
  EXPECT_EQ(machine.read(*file, 0, 4).value(), std::string(4, '\0'));
}

TEST(FullDisk, AnswersNoSpaceUntilSomethingIsRemoved) {
  Machine machine;
  machine.disk->set_capacity(ByteCount(64 << 10));
  ASSERT_TRUE(machine.files().reserve("ballast", ByteCount(16 << 10)).has_value());
  EXPECT_EQ(machine.files().reserve("more", ByteCount(60 << 10)).error().code, Errc::NoSpace);
  auto file = *machine.create("ab01");
  ASSERT_TRUE(machine.write(*file, 0, std::string(40 << 10, 'x')));
  EXPECT_EQ(machine.volume->space()->available.value(), 8U << 10);
  EXPECT_EQ(machine.write(*file, 40 << 10, std::string(9 << 10, 'x')).error().code, Errc::NoSpace);
  EXPECT_EQ(machine.volume->space()->available.value(), 0U) << "what fitted was written";
  put(machine.files(), "empty", "");
  ASSERT_TRUE(machine.files().remove("ballast").has_value());
  EXPECT_EQ(machine.volume->space()->available.value(), 16U << 10);
  put(machine.files(), "file", std::string(16 << 10, 'y'));
  IoWait<void> removed;
  machine.volume->shards().remove("ab01", removed.completion());
  ASSERT_TRUE(removed.wait().has_value());
  EXPECT_EQ(machine.disk->used().value(), 16U << 10);
}

TEST(HungDisk, AnswersLateAndOnlyOnceItIsReleased) {
  Machine machine;
  auto file = *machine.create("ab01");
  machine.disk->faults().add({.kind = IoKind::ShardWrite, .effect = FaultEffect::Hang});
  IoWait<void> written;
  file->write(ByteOffset(0), {machine.slice("late")}, written.completion());
  EXPECT_EQ(written.wait(std::chrono::milliseconds(5)).error().code, Errc::TimedOut);
  EXPECT_EQ(machine.files().make_directory("d").error().code, Errc::TimedOut);
  EXPECT_EQ(machine.disk->content("segments/ab/ab01.shard").value(), "");
  machine.disk->release();
  EXPECT_TRUE(written.wait().has_value());
  EXPECT_EQ(machine.read(*file, 0, 10).value(), "late");
  EXPECT_TRUE(machine.files().make_directory("d").has_value());
}

TEST(HungDisk, ACrashEndsWhatWaited) {
  Machine machine;
  auto file = *machine.create("ab01");
  machine.disk->hang();
  IoWait<void> written;
  file->write(ByteOffset(0), {machine.slice("never")}, written.completion());
  machine.disk->process_crash();
  EXPECT_EQ(written.wait().error().code, Errc::ShuttingDown);
  machine.disk->release();
  EXPECT_EQ(machine.disk->content("segments/ab/ab01.shard").value(), "");
}

TEST(VanishedDisk, FailsEverythingUntilItReappears) {
  Machine machine;
  put_durably(machine.files(), "a", "1");
  auto file = *machine.create("ab01");
  machine.disk->vanish();
  EXPECT_EQ(get(machine.files(), "a"), "Io");
  EXPECT_EQ(machine.write(*file, 0, "x").error().code, Errc::Io);
  EXPECT_FALSE(machine.volume->space().has_value());
  EXPECT_FALSE(open_memory_volume(machine.disk).has_value());
  machine.disk->reappear();
  EXPECT_EQ(get(machine.files(), "a"), "1");
}

TEST(StaleDisk, ComesBackAsItWas) {
  Machine machine;
  put_durably(machine.files(), "a", "1");
  const MemoryDisk::Image image = machine.disk->snapshot();
  put_durably(machine.files(), "a", "2");
  put_durably(machine.files(), "b", "2");
  machine.disk->restore(image);
  EXPECT_EQ(get(machine.files(), "a"), "ShuttingDown");
  machine.reopen();
  EXPECT_EQ(get(machine.files(), "a"), "1");
  EXPECT_EQ(get(machine.files(), "b"), "NotFound");
}

TEST(Medium, BitsFlipAndFilesChangeBehindTheUsersBack) {
  Machine machine;
  put_durably(machine.files(), "a", "abc");
  ASSERT_TRUE(machine.disk->flip_bit("a", ByteOffset(1), 0).has_value());
  EXPECT_EQ(get(machine.files(), "a"), "acc");
  EXPECT_EQ(machine.disk->flip_bit("a", ByteOffset(3), 0).error().code, Errc::OutOfRange);
  ASSERT_TRUE(machine.disk->set_content("a", "z").has_value());
  machine.power_cut(1);
  EXPECT_EQ(get(machine.files(), "a"), "z");
  ASSERT_TRUE(machine.disk->erase("a").has_value());
  machine.power_cut(2);
  EXPECT_TRUE(machine.disk->paths().empty());
}

TEST(MemoryVolume, OneSessionHoldsTheLockUntilItEndsOrDies) {
  Machine machine;
  ASSERT_TRUE(machine.volume->lock().has_value());
  ASSERT_TRUE(machine.volume->lock().has_value());
  auto other = std::move(*open_memory_volume(machine.disk));
  EXPECT_EQ(other->lock().error().code, Errc::Busy);
  machine.volume.reset();
  EXPECT_TRUE(other->lock().has_value());
  machine.clock->crash();
  machine.reopen();
  EXPECT_TRUE(machine.volume->lock().has_value());
}

TEST(MemoryVolume, AShardRangeIsWrittenOnce) {
  Machine machine;
  auto file = *machine.create("ab01");
  ASSERT_TRUE(machine.write(*file, 0, "0123"));
  ASSERT_TRUE(machine.write(*file, 8, "89"));
  ASSERT_TRUE(machine.write(*file, 4, "4567"));
  EXPECT_EQ(machine.write(*file, 9, "x").error().code, Errc::InvalidArgument);
  EXPECT_EQ(machine.read(*file, 0, 10).value(), "0123456789");
  EXPECT_EQ(machine.write(**machine.open("ab01"), 20, "x").error().code, Errc::ReadOnly);
}

TEST(MemoryVolume, AnUnlinkedFileIsReadThroughItsOpenHandle) {
  Machine machine;
  put_durably(machine.files(), "a", "1");
  auto file = *machine.files().open("a");
  ASSERT_TRUE(machine.files().remove("a").has_value());
  for (int i = 0; i < 300; ++i) {  // enough changes that dead files are freed
    put(machine.files(), "b", "x");
    ASSERT_TRUE(machine.files().remove("b").has_value());
    ASSERT_TRUE(machine.files().sync_directory("").has_value());
  }
  std::byte byte{};
  EXPECT_EQ(file->read(ByteOffset(0), {&byte, 1}).value(), 1U);
  EXPECT_EQ(byte, std::byte{'1'});
  EXPECT_EQ(machine.disk->used().value(), 0U);
}

TEST(MemoryVolume, ThreadsStopTogetherWhenTheMachineDoes) {
  Machine machine;
  std::vector<std::shared_ptr<ShardFile>> files;
  for (int t = 0; t < 4; ++t) {
    files.push_back(*machine.create("ab0" + std::to_string(t)));
    ASSERT_TRUE(Machine::sync(*files.back()));
  }
  machine.clock->crash_at(500);
  std::vector<std::thread> threads;
  for (const auto& file : files) {
    threads.emplace_back([&machine, &file] {
      bool stopped = false;
      for (std::uint64_t i = 0; i < 100'000 && !stopped; ++i) {
        stopped = !machine.write(*file, i * 8, "12345678") || !Machine::sync(*file);
      }
      EXPECT_TRUE(stopped);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(machine.clock->boot(), 1U);
  machine.power_cut(1);
  EXPECT_EQ(machine.shards().size(), 4U);
}

/// The same random calls to both kinds of volume must give the same answers.
class Twins {
 public:
  Twins() {
    std::string pattern = (std::filesystem::temp_directory_path() / "coffer_twins_XXXXXX").string();
    base_ = ::mkdtemp(pattern.data());
    local_ = std::move(*open_local_volume(base_));
    memory_ = std::move(*open_memory_volume(disk_));
  }
  ~Twins() { std::filesystem::remove_all(base_); }

  std::string local(std::uint64_t call) { return act(local_->files(), call); }
  std::string memory(std::uint64_t call) { return act(memory_->files(), call); }

 private:
  template <typename T>
  static std::string said(const Result<T>& result) {
    return result ? "ok" : std::string(to_string(result.error().code));
  }
  static std::string listed(const Result<std::vector<AreaEntry>>& entries) {
    std::string text = said(entries);
    if (!entries) return text;
    for (const AreaEntry& entry : *entries) {
      text += " " + entry.name + (entry.directory ? "/" : "") + std::to_string(entry.size.value());
    }
    return text;
  }
  static std::string act(FileArea& files, std::uint64_t call) {
    static constexpr std::array<const char*, 8> kPaths{"a",   "b",   "d",     "d/a",
                                                       "d/b", "d/e", "d/e/a", "e"};
    const char* path = kPaths[call / 16 % 8];
    const char* other = kPaths[call / 128 % 8];
    switch (call % 16) {
      case 0:
      case 1:
      case 2: {
        const auto mode = call % 16 == 0 ? FileArea::Create::Truncate : FileArea::Create::Exclusive;
        auto file = files.create(path, mode);
        if (!file) return said(file);
        const std::string text(call / 1024 % 5000, 'x');
        return said((*file)->append(as_bytes(text))) + said((*file)->sync());
      }
      case 3:
        return said(files.rename(path, other));
      case 4:
        return said(files.link(path, other));
      case 5:
        return said(files.remove(path));
      case 6:
      case 7:
        return said(files.make_directory(path));
      case 8:
        return said(files.remove_directory(path));
      case 9:
        return listed(files.list(""));
      case 10:
        return listed(files.list(path));
      case 11:
        return said(files.sync_directory(path));
      case 12:
        return said(files.reserve(path, ByteCount(call / 1024 % 3 * 4096 + 1)));
      default:
        return get(files, path);
    }
  }

  std::string base_;
  std::shared_ptr<MemoryDisk> disk_ = MemoryDisk::make({});
  std::unique_ptr<Volume> local_;
  std::unique_ptr<Volume> memory_;
};

TEST(MemoryVolume, AnswersAsALocalVolumeDoes) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("COFFER_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  Twins twins;
  for (int step = 0; step < 4000; ++step) {
    const std::uint64_t call = random();
    const std::string local = twins.local(call);
    ASSERT_EQ(twins.memory(call), local) << "step " << step << " call " << call % 16 << " paths "
                                         << call / 16 % 8 << " " << call / 128 % 8;
  }
}

}  // namespace
}  // namespace coffer
