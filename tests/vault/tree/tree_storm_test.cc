// Many threads at both doors in few directories; afterwards the rows agree with each other and with what memory says.

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {
namespace {

constexpr int kThreads = 4;
constexpr int kStepsEach = 400;

// What may come of an operation that races others.
bool is_expected(Errc code) {
  switch (code) {
    case Errc::NotFound:
    case Errc::Exists:
    case Errc::NotDirectory:
    case Errc::IsDirectory:
    case Errc::NotEmpty:
    case Errc::InvalidArgument:
    case Errc::Permission:
    case Errc::Stale:
    case Errc::Conflict:
      return true;
    default:
      return false;
  }
}

class Storm {
 public:
  Storm(World& world, unsigned seed) : world_(world), random_(seed) {}

  void run() {
    for (int step = 0; step < kStepsEach; ++step) {
      if (pick(2) == 0)
        at_the_mount();
      else
        at_the_gateway();
    }
  }

 private:
  std::size_t pick(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  std::string name() { return std::string(1, static_cast<char>('a' + pick(4))); }
  template <typename T>
  void check(const Result<T>& result) {
    if (result) return;
    EXPECT_TRUE(is_expected(result.error().code))
        << to_string(result.error().code) << " " << result.error().context;
  }

  /// A directory a few steps below the bucket.
  InodeId directory() {
    InodeId at = world_.tree().lookup(kRootInode, "bucket")->inode;
    for (std::size_t depth = pick(3); depth > 0; --depth) {
      const auto entry = world_.tree().lookup(at, name());
      check(entry);
      if (!entry || entry->attributes.type != FileType::Directory) break;
      at = entry->inode;
    }
    return at;
  }

  void at_the_mount() {
    Tree& tree = world_.tree();
    const InodeId parent = directory();
    NewNode node;
    switch (pick(8)) {
      case 0:
        node.type = FileType::Directory;
        [[fallthrough]];
      case 1:
        check(tree.make_node(parent, name(), node));
        break;
      case 2:
        check(tree.unlink(parent, name()));
        break;
      case 3:
        check(tree.remove_directory(parent, name()));
        break;
      case 4: {
        const auto mode = static_cast<RenameRequest::Mode>(pick(3));
        check(tree.rename({parent, name(), directory(), name(), mode}));
        break;
      }
      case 5: {
        const auto entry = tree.lookup(parent, name());
        check(entry);
        if (entry) check(tree.link(entry->inode, directory(), name()));
        break;
      }
      case 6: {
        const auto entry = tree.lookup(parent, name());
        check(entry);
        if (!entry || entry->attributes.type != FileType::Regular) break;
        const std::string bytes(1 + pick(2000), 'w');
        check(tree.write(entry->inode, pick(1000), as_bytes(bytes)));
        if (pick(2) == 0) check(tree.commit_file(entry->inode));
        break;
      }
      default:
        check(tree.read_directory(parent, 0, [](const DirectoryEntry&) { return true; }));
    }
  }

  void at_the_gateway() {
    Objects& objects = world_.objects();
    std::string key = name();
    for (std::size_t depth = pick(3); depth > 0; --depth) key += "/" + name();
    if (pick(6) == 0) key += "/";
    switch (pick(5)) {
      case 0:
      case 1: {
        auto writer = objects.begin_put("bucket", key);
        check(writer);
        if (!writer) break;
        check((*writer)->write(as_bytes(std::string(1 + pick(3000), 'p'))));
        if (pick(8) != 0) check((*writer)->commit({}, {}, Durability::Relaxed));
        break;
      }
      case 2:
        check(objects.remove("bucket", key, {}, Durability::Relaxed));
        break;
      case 3: {
        auto reader = objects.open_reader("bucket", key);
        check(reader);
        if (!reader) break;
        std::array<std::byte, 512> out{};
        check((*reader)->read(0, out));
        break;
      }
      default: {
        ListRequest request;
        request.delimiter = pick(2) == 0 ? "/" : "";
        check(objects.list("bucket", request));
      }
    }
  }

  World& world_;
  std::mt19937 random_;
};

TEST(TreeStorm, BothDoorsAtOnceLeaveAConsistentTree) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  World world;
  ASSERT_TRUE(world.objects().create_bucket("bucket", Durability::Relaxed, {}));
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&world, seed, i] { Storm(world, seed + i).run(); });
  }
  for (std::thread& thread : threads) thread.join();
  world.inodes->drain_reaper();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
  world.reopen();
  world.inodes->drain_reaper();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
}

TEST(TreeStorm, AGuessedNumberOfAnInodeThatIsBeingMadeDoesNoHarm) {
  World world;
  Tree& tree = world.tree();
  std::atomic<std::uint64_t> latest{tree.make_node(kRootInode, "first", {})->inode.value()};
  std::atomic<bool> stop{false};
  std::vector<std::thread> guessers;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    guessers.emplace_back([&, n] {
      while (!stop) static_cast<void>(tree.attributes(InodeId(latest + n)));
    });
  }
  for (int i = 0; i < 3000; ++i) {
    const auto made = tree.make_node(kRootInode, std::to_string(i), {});
    ASSERT_TRUE(made) << made.error().context;
    latest = made->inode.value();
    EXPECT_TRUE(tree.attributes(made->inode)) << "file " << i;
    ASSERT_TRUE(tree.write(made->inode, 0, as_bytes("12345"))) << "file " << i;
    ASSERT_TRUE(tree.commit_file(made->inode));
    EXPECT_EQ(tree.attributes(made->inode)->size, 5U);
  }
  stop = true;
  for (std::thread& thread : guessers) thread.join();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
}

TEST(TreeStorm, OverwritesNeverLookAbsentAndConditionsLetOneWin) {
  World world;
  Objects& objects = world.objects();
  ASSERT_TRUE(objects.create_bucket("bucket", Durability::Relaxed, {}));
  const auto put = [&](std::string_view key, const WriteConditions& conditions) {
    auto writer = objects.begin_put("bucket", key);
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->write(as_bytes("12345")));
    return (*writer)->commit({}, conditions, Durability::Relaxed);
  };
  ASSERT_TRUE(put("d/hot", {}));
  std::atomic<bool> stop{false};
  std::atomic<int> winners{0};
  std::thread overwriter([&] {
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(put("d/hot", {}));
    stop = true;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto info = objects.head("bucket", "d/hot");
        EXPECT_TRUE(info) << to_string(info.error().code);
        const auto page = objects.list("bucket", {});
        EXPECT_TRUE(page && !page->objects.empty() && page->objects.front().key == "d/hot");
      }
    });
    threads.emplace_back([&] {
      WriteConditions absent;
      absent.if_none_match_any = true;
      for (int n = 0; n < 50; ++n) winners += put("d/once" + std::to_string(n), absent) ? 1 : 0;
    });
  }
  overwriter.join();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 50);
  world.inodes->drain_reaper();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
}

}  // namespace
}  // namespace coffer::test
