/// How much cleaning writes and how much room it gives: overwrites without end in a vault that is nearly full, files that come and
/// go, and a vault without any free byte (docs/decisions/0014).
///
/// COFFER_CLEAN_FULL=1 runs them on 512 MiB, for ten times the size.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/sim/one_file.h"
#include "tests/sim/simulated_machine.h"

namespace coffer::sim {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::size_t kPiece = 16'384;

bool in_full() {
  return std::getenv("COFFER_CLEAN_FULL") != nullptr;
}  // NOLINT(concurrency-mt-unsafe)

/// Answers writes at 70 or 80 % of what a vault can hold, and counts what the disks were given for them.
class Overwrites {
 public:
  explicit Overwrites(double share) : machine_({1, 0}) {
    capacity_ = (in_full() ? 512 : 128) * kMiB;
    machine_.shard_bytes_max = static_cast<std::uint32_t>(in_full() ? 4 * kMiB : kMiB);
    machine_.disk(0).set_capacity(ByteCount(capacity_));
    vault_ = machine_.open().value();
    const auto space = vault_->tree().space();
    pieces_ =
        static_cast<std::size_t>(share * static_cast<double>(space->bytes_available) / kPiece);
    file_ = make_file(vault_->tree(), "f");
    for (std::size_t i = 0; i < pieces_; ++i) write(i);
    if (!vault_->tree().sync_file(file_)) ADD_FAILURE() << "sync";
  }

  [[nodiscard]] std::size_t pieces() const { return pieces_; }
  VaultService& vault() { return *vault_; }

  /// Overwrites `times` the file's size; gives bytes written to data shards for each byte of a user.
  template <typename Next>
  double run(double times, Next next) {
    const auto before = vault_->segments().stats();
    const auto writes = static_cast<std::size_t>(times * static_cast<double>(pieces_));
    for (std::size_t i = 0; i < writes && !testing::Test::HasFailure(); ++i) {
      write(next());
      // As the background would.
      if (i % 4096 == 0) {
        EXPECT_TRUE(vault_->commit_and_sync());
      }
    }
    EXPECT_TRUE(vault_->tree().sync_file(file_));
    const auto after = vault_->segments().stats();
    return static_cast<double>(after.shard_bytes_written - before.shard_bytes_written) /
           (static_cast<double>(writes) * kPiece);
  }
  void expect_right() {
    std::string piece;
    for (std::size_t i = 0; i < pieces_; i += 7) {
      piece = read_back(vault_->tree(), file_, i * kPiece, kPiece);
      ASSERT_EQ(piece == content(i), true) << i;
    }
    expect_clean(*vault_);
  }
  [[nodiscard]] std::uint64_t used() { return machine_.disk(0).used().value(); }

 private:
  void write(std::size_t i) {
    ++versions_[i];
    const auto done = vault_->tree().write(file_, i * kPiece, as_bytes(content(i)));
    ASSERT_TRUE(done) << done.error().context;
  }
  std::string content(std::size_t i) {
    return std::string(kPiece, static_cast<char>('a' + (versions_[i] + i) % 26));
  }

  SimulatedMachine machine_;
  std::uint64_t capacity_ = 0;
  std::unique_ptr<VaultService> vault_;
  std::size_t pieces_ = 0;
  InodeId file_;
  std::map<std::size_t, unsigned> versions_;
};

TEST(CleanSpace, UniformOverwritesAtSeventyPercentWriteLessThanThreeTimes) {
  Overwrites vault(0.7);
  std::mt19937_64 random(1);
  const double factor = vault.run(in_full() ? 10 : 3, [&] { return random() % vault.pieces(); });
  EXPECT_LE(factor, 3.0);
  std::printf("uniform at 70 %%: %.2f bytes written for each\n", factor);
  vault.expect_right();
}

TEST(CleanSpace, NineTenthsOfTheWritesToOneTenthAtEightyPercentWriteLessThanThreeTimes) {
  Overwrites vault(0.8);
  std::mt19937_64 random(2);
  const std::size_t hot = vault.pieces() / 10;
  const double factor = vault.run(in_full() ? 10 : 3, [&] {
    return random() % 10 < 9 ? random() % hot : hot + random() % (vault.pieces() - hot);
  });
  EXPECT_LE(factor, 3.0);
  std::printf("90/10 at 80 %%: %.2f bytes written for each\n", factor);
  vault.expect_right();
}

TEST(CleanSpace, FilledAndEmptiedTenTimesItTakesWhatItTookAtFirst) {
  SimulatedMachine machine({2, 1});
  const std::uint64_t capacity = 64 * kMiB;
  machine.shard_bytes_max = 1U << 20;
  for (std::size_t i = 0; i < 3; ++i) machine.disk(i).set_capacity(ByteCount(capacity));
  auto vault = machine.open().value();
  Tree& tree = vault->tree();
  std::vector<InodeId> kept;
  // Of shards: the metadata's log is as long as it happens to be.
  const auto used = [&] {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (const std::string& path : machine.disk(i).paths())
        if (path.ends_with(".shard")) bytes += machine.disk(i).content(path)->size();
    }
    return bytes;
  };
  std::uint64_t first = 0;
  for (int round = 0; round <= 10; ++round) {
    // A few of the files stay, among those that go.
    std::size_t files = 0;
    for (;; ++files) {
      const InodeId file = make_file(tree, "n" + std::to_string(files));
      if (!tree.write(file, 0, as_bytes(pattern(100'000, 'w'))) || !tree.commit_file(file)) break;
      if (round == 0 && files % 100 == 50) {
        kept.push_back(file);
        ASSERT_TRUE(tree.link(file, kRootInode, "kept" + std::to_string(files)));
      }
    }
    EXPECT_GT(files, 300U);
    for (std::size_t i = 0; i <= files; ++i)
      ASSERT_TRUE(tree.unlink(kRootInode, "n" + std::to_string(i)));
    vault->inodes().drain_reaper();
    const auto receipt = vault->clean({});
    ASSERT_TRUE(receipt) << receipt.error().context;
    ASSERT_TRUE(vault->commit_and_sync());
    if (round == 0) first = used();
    EXPECT_LE(used(), first + 3 * capacity / 50) << "round " << round;
  }
  for (const InodeId file : kept)
    EXPECT_EQ(read_back(tree, file, 0, 100'000) == pattern(100'000, 'w'), true);
  expect_clean(*vault);
}

TEST(CleanSpace, WithoutAFreeByteForUsersItStillGivesRoom) {
  for (const Geometry geometry : {Geometry{1, 0}, Geometry{2, 1}}) {
    SimulatedMachine machine(geometry);
    machine.shard_bytes_max = 1U << 20;
    for (std::size_t i = 0; i < machine.disk_count(); ++i)
      machine.disk(i).set_capacity(ByteCount(64 * kMiB));
    auto vault = machine.open().value();
    Tree& tree = vault->tree();
    const InodeId file = make_file(tree, "f");
    std::uint64_t size = 0;
    while (tree.write(file, size, as_bytes(pattern(65'536, 'a')))) size += 65'536;
    ASSERT_GT(size, 20 * kMiB);
    // Every other chunk goes: no segment is free of live bytes.
    for (std::uint64_t at = 0; at + 32'768 <= size; at += 32'768)
      ASSERT_TRUE(tree.allocate(file, AllocateMode::PunchHole, at, 16'384));
    // Half of all is dead: nearly that much can be written.
    const InodeId second = make_file(tree, "g");
    std::uint64_t more = 0;
    while (more < size / 2 && tree.write(second, more, as_bytes(pattern(65'536, 'b'))))
      more += 65'536;
    EXPECT_GE(more, size * 2 / 5);
    EXPECT_EQ(read_back(tree, file, 16'384, 16'384) == pattern(65'536, 'a').substr(16'384, 16'384),
              true);
    EXPECT_EQ(read_back(tree, second, 0, 65'536) == pattern(65'536, 'b'), true);
    expect_clean(*vault);
    EXPECT_TRUE(vault->close());
  }
}

}  // namespace
}  // namespace coffer::sim
