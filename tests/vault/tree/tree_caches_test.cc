// The tree's caches of attributes, names and listings: bounded, and true.

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/vault/tree/tree_fixture.h"
#include "vault/tree/attribute_cache.h"
#include "vault/tree/name_cache.h"

namespace coffer::test {
namespace {

constexpr InodeId kDirectory{7};

Attributes some_attributes(std::uint64_t inode, std::uint64_t salt) {
  Attributes a;
  a.inode = InodeId(inode);
  a.type = salt % 5 == 0 ? FileType::CharDevice : FileType::Regular;
  a.protection = {salt % 2 == 0, salt % 3 == 0};
  a.permissions = static_cast<std::uint16_t>(salt % 07777);
  a.uid = static_cast<std::uint32_t>(salt + 1);
  a.gid = static_cast<std::uint32_t>(salt + 2);
  a.nlink = static_cast<std::uint32_t>(salt + 3);
  (a.type == FileType::CharDevice ? a.rdev : a.nlink) += static_cast<std::uint32_t>(salt);
  if (a.type == FileType::Regular) a.size = salt << 20;
  a.allocated = salt << 12;
  const auto time = [&](std::uint32_t n) {
    return Timespec{static_cast<std::int64_t>(salt) - 1000,
                    n + static_cast<std::uint32_t>(salt % 1000)};
  };
  a.atime = time(1);
  a.mtime = time(2);
  a.ctime = time(3);
  a.btime = time(999'000'000);
  return a;
}

void expect_equal(const Attributes& a, const Attributes& b) {
  EXPECT_EQ(a.inode, b.inode);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.protection, b.protection);
  EXPECT_EQ(a.permissions, b.permissions);
  EXPECT_EQ(std::tie(a.uid, a.gid, a.nlink, a.rdev), std::tie(b.uid, b.gid, b.nlink, b.rdev));
  EXPECT_EQ(std::tie(a.size, a.allocated), std::tie(b.size, b.allocated));
  EXPECT_EQ(std::tie(a.atime, a.mtime, a.ctime, a.btime),
            std::tie(b.atime, b.mtime, b.ctime, b.btime));
}

TEST(AttributeCache, FollowsAModelAndForgetsOnlyWhenItIsFull) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  AttributeCache cache(std::size_t{1} << 20);  // some 170 in each shard
  std::map<std::uint64_t, Attributes> model;
  for (int step = 0; step < 100'000; ++step) {
    const std::uint64_t inode = 1 + random() % 3000;
    if (random() % 3 == 0) {
      cache.erase(InodeId(inode));
      model.erase(inode);
    } else {
      model[inode] = some_attributes(inode, random() % 100'000);
      cache.put(model[inode]);
    }
    const std::uint64_t asked = 1 + random() % 3000;
    Attributes found = some_attributes(4000, 1);  // nothing of it may stay
    ASSERT_EQ(cache.find(InodeId(asked), found), model.contains(asked)) << "it is not full";
    if (model.contains(asked)) expect_equal(found, model[asked]);
  }
  EXPECT_EQ(cache.size(), model.size());
}

TEST(AttributeCache, WhatIsAskedForOutlastsWhatIsNot) {
  AttributeCache cache(std::size_t{1} << 20);
  constexpr std::uint64_t kMany = 50'000;  // several times what fits
  cache.put(some_attributes(1, 1));
  for (std::uint64_t inode = 2; inode < kMany; ++inode) {
    cache.put(some_attributes(inode, inode));
    Attributes found;
    ASSERT_TRUE(cache.find(InodeId(1), found)) << inode;
    if (cache.find(InodeId(inode / 2), found))
      expect_equal(found, some_attributes(inode / 2, inode / 2));
  }
  EXPECT_LT(cache.size(), kMany / 2);
  EXPECT_LE(cache.memory_bytes(), (std::size_t{1} << 20) * 5 / 4);
}

TEST(AttributeCache, AFullOneLearnsWhatIsAskedForNow) {
  AttributeCache cache(std::size_t{1} << 20);
  for (std::uint64_t inode = 1; inode < 50'000; ++inode) cache.put(some_attributes(inode, inode));
  std::size_t hits = 0;
  for (int round = 0; round < 3; ++round) {
    hits = 0;
    for (std::uint64_t inode = 100'000; inode < 100'200; ++inode) {
      Attributes found;
      if (cache.find(InodeId(inode), found))
        ++hits;
      else
        cache.put(some_attributes(inode, inode));
    }
  }
  EXPECT_EQ(hits, 200U);
}

// With the table of inodes that the kernel knows (50 MB: InodeTable's test) 150 MB.
TEST(AttributeCache, AMillionInodesFitTheirMemory) {
  constexpr std::uint64_t kInodes = 1'000'000;
  AttributeCache cache(std::size_t{120} << 20);  // what a budget of 1 GiB gives it
  for (std::uint64_t inode = 1; inode <= kInodes; ++inode) cache.put(some_attributes(inode, inode));
  EXPECT_EQ(cache.size(), kInodes);
  EXPECT_LE(cache.memory_bytes(), 99'000'000U);
  Attributes found;
  for (std::uint64_t inode = 1; inode <= kInodes; inode += 997) {
    ASSERT_TRUE(cache.find(InodeId(inode), found));
    ASSERT_EQ(found.mtime, some_attributes(inode, inode).mtime);
  }
}

NameSlots file_slots(std::uint64_t inode) {
  NameSlots slots;
  slots.file = Dentry{InodeId(inode), FileType::Fifo, inode + 1};
  return slots;
}

/// Short names and long ones, in several directories.
std::string some_name(std::uint64_t n) {
  return "name-" + std::to_string(n) + std::string(n % 3 == 0 ? 40 + n % 150 : 0, 'x');
}

TEST(NameCache, FollowsAModelAndForgetsOnlyWhenItIsFull) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  NameCache cache(std::size_t{4} << 20);
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> model;  // 0: absent
  for (int step = 0; step < 100'000; ++step) {
    const std::uint64_t parent = 1 + random() % 3;
    const std::string name = some_name(random() % 1000);
    switch (random() % 4) {
      case 0:
        cache.erase(InodeId(parent), name);
        model.erase({parent, name});
        break;
      case 1:
        cache.put(InodeId(parent), name, {});
        model[{parent, name}] = 0;
        break;
      case 2:
        model[{parent, name}] = 1 + random() % 100;
        cache.put(InodeId(parent), name, file_slots(model[{parent, name}]));
        break;
      default:
        break;
    }
    const std::pair asked{1 + random() % 3, some_name(random() % 1000)};
    const auto found = cache.find(InodeId(asked.first), asked.second);
    const auto want = model.find(asked);
    ASSERT_EQ(found.has_value(), want != model.end()) << asked.second;
    if (!found) continue;
    EXPECT_FALSE(found->directory);
    ASSERT_EQ(found->file.has_value(), want->second != 0);
    if (found->file) {
      EXPECT_EQ(found->file->inode, InodeId(want->second));
      EXPECT_EQ(found->file->cookie, want->second + 1);
      EXPECT_EQ(found->file->type, FileType::Fifo);
    }
  }
}

TEST(NameCache, ItsMemoryIsBoundedWhateverTheNames) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  NameCache cache(kBytes);
  for (std::uint64_t n = 0; n < 30'000; ++n) {
    cache.put(kDirectory, std::to_string(n) + std::string(200, 'l'), {});
    cache.put(kDirectory, std::to_string(n), file_slots(n + 1));
  }
  EXPECT_LE(cache.memory_bytes(), kBytes * 5 / 4);
  NameCache absent(8 * kBytes);
  constexpr std::uint64_t kFits = 50'000;
  for (std::uint64_t n = 0; n < kFits; ++n)
    absent.put(kDirectory, "absent-" + std::to_string(n), {});
  EXPECT_GT(absent.size(), kFits * 9 / 10);
  EXPECT_LE(absent.memory_bytes() / absent.size(), 90U) << "bytes for a negative entry";
}

TEST(NameCache, LongNamesDoNotPushOutShortOnes) {
  NameCache cache(std::size_t{1} << 20);
  constexpr std::uint64_t kShort = 500;
  for (std::uint64_t n = 0; n < kShort; ++n)
    cache.put(kDirectory, std::to_string(n), file_slots(n + 1));
  for (std::uint64_t n = 0; n < 5'000;
       ++n)  // several times what their half holds, fewer than all entries
    cache.put(kDirectory, std::to_string(n) + std::string(200, 'l'), {});
  std::uint64_t there = 0;
  for (std::uint64_t n = 0; n < kShort; ++n)
    there += cache.find(kDirectory, std::to_string(n)).has_value() ? 1U : 0U;
  EXPECT_EQ(there, kShort);
}

NewNode of(FileType type) {
  NewNode node;
  node.type = type;
  return node;
}

std::vector<std::string> listed(Tree& tree, InodeId directory, std::uint64_t cookie = 0) {
  std::vector<std::string> names;
  EXPECT_TRUE(tree.read_directory(directory, cookie, [&](const DirectoryEntry& entry) {
    names.emplace_back(entry.name);
    return true;
  }));
  return names;
}

TEST(Listings, AreTrueAfterEveryChangeFromEitherDoor) {
  World world;
  Tree& tree = world.tree();
  const InodeId d = tree.make_node(kRootInode, "bucket", of(FileType::Directory))->inode;
  EXPECT_TRUE(listed(tree, d).empty());
  ASSERT_TRUE(tree.make_node(d, "a", of(FileType::Regular)));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"a"}));
  ASSERT_TRUE(tree.rename({d, "a", d, "b"}));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"b"}));
  ASSERT_TRUE(tree.link(tree.lookup(d, "b")->inode, d, "c"));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"b", "c"}));
  ASSERT_TRUE(tree.rename({d, "c", kRootInode, "out"}));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"b"}));
  ASSERT_TRUE(tree.unlink(d, "b"));
  EXPECT_TRUE(listed(tree, d).empty());

  auto writer = world.objects().begin_put("bucket", "from-s3");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->commit({}, {}, Durability::Relaxed));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"from-s3"}));
  ASSERT_TRUE(tree.make_node(d, "e", of(FileType::Regular)));
  // A directory of the same key: the file is shown under another name from now on.
  auto below = world.objects().begin_put("bucket", "from-s3/below");
  ASSERT_TRUE((*below)->commit({}, {}, Durability::Relaxed));
  EXPECT_EQ(listed(tree, d), (std::vector<std::string>{"%s3.o.from-s3", "e", "from-s3"}));
}

TEST(Listings, ADirectoryThatGrowsBeyondThemIsListedOn) {
  World world;
  Tree& tree = world.tree();
  const InodeId d = tree.make_node(kRootInode, "d", of(FileType::Directory))->inode;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < Listing::kEntriesMax + 3; ++i) {
    names.push_back("n" + std::to_string(i));
    ASSERT_TRUE(tree.make_node(d, names.back(), of(FileType::Regular)));
    if (i % 16 != 0 && i + 4 < Listing::kEntriesMax) continue;
    ASSERT_EQ(listed(tree, d), names);
  }
}

TEST(Attributes, OfAnInodeThatIsWrittenAreTrueAfterEveryCall) {
  World world;
  Tree& tree = world.tree();
  const InodeId f = tree.make_node(kRootInode, "f", of(FileType::Regular))->inode;
  for (std::uint64_t size = 1; size < 300'000; size = size * 3 + 1) {
    ASSERT_EQ(tree.attributes(f)->size, (size - 1) / 3);
    ASSERT_TRUE(tree.write(f, 0, as_bytes(std::string(size, 'w'))));
    ASSERT_EQ(tree.lookup(kRootInode, "f")->attributes.size, size);
  }
  ASSERT_TRUE(tree.link(f, kRootInode, "g"));
  EXPECT_EQ(tree.attributes(f)->nlink, 2U);
  ASSERT_TRUE(tree.unlink(kRootInode, "f"));
  EXPECT_EQ(tree.attributes(f)->nlink, 1U);
  ASSERT_TRUE(tree.set_xattr(f, "user.a", as_bytes("1"), XattrMode::Any));
  const Timespec before = tree.attributes(f)->ctime;
  ASSERT_TRUE(tree.remove_xattr(f, "user.a"));
  EXPECT_NE(tree.attributes(f)->ctime, before);
  ASSERT_TRUE(tree.unlink(kRootInode, "g"));
  EXPECT_EQ(tree.attributes(f).error().code, Errc::Stale);
}

// The protocol alone, small enough to run for long and under ThreadSanitizer.
TEST(InodeMutex, WhoAsksIsNeverShownLessThanWasAnswered) {
  struct Node {
    explicit Node(AttributeCache& cache, InodeId id) : mutex(cache, id) { attributes.inode = id; }
    InodeMutex mutex;
    Attributes attributes;
    std::atomic<std::uint64_t> answered{0};  // this size at least
  };
  constexpr std::uint64_t kInodes = 40;
  AttributeCache cache(std::size_t{1} << 16);
  std::vector<std::unique_ptr<Node>> nodes;
  for (std::uint64_t i = 0; i < kInodes; ++i)
    nodes.push_back(std::make_unique<Node>(cache, InodeId(i + 2)));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> less{0}, hits{0};
  std::thread changer([&] {
    std::mt19937_64 random(1);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto enough = [&](int rounds) {
      return (rounds >= 40'000 && hits.load() >= 1'000) ||
             std::chrono::steady_clock::now() > deadline;
    };
    for (int n = 0; !enough(n); ++n) {
      Node& node = *nodes[random() % kInodes];
      std::uint64_t now = 0;
      {
        ExclusiveLock lock(node.mutex);
        now = ++node.attributes.size;
      }
      node.answered.store(now);
    }
    stop.store(true);
  });
  std::vector<std::thread> readers;
  for (std::uint64_t t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      std::mt19937_64 random(t);
      while (!stop.load()) {
        Node& node = *nodes[random() % kInodes];
        const std::uint64_t least = node.answered.load();
        Attributes seen;
        if (cache.find(node.attributes.inode, seen)) {
          ++hits;
        } else {
          SharedLock lock(node.mutex);
          seen = node.attributes;
          node.mutex.remember(seen);
        }
        if (seen.size < least) ++less;
      }
    });
  }
  changer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(less.load(), 0U);
  EXPECT_GT(hits.load(), 0U);
}

// What one thread was answered, the other must see.
TEST(Caches, NobodySeesLessThanWasAnswered) {
  World world;
  Tree& tree = world.tree();
  const InodeId d = tree.make_node(kRootInode, "d", of(FileType::Directory))->inode;
  const InodeId f = tree.make_node(kRootInode, "f", of(FileType::Regular))->inode;
  constexpr std::uint32_t kRounds = 1500;
  std::atomic<std::uint32_t> uid{0};        // of f at least
  std::atomic<std::uint32_t> made{0};       // names n0… below it are there
  std::atomic<std::uint32_t> to_remove{0};  // and below it are perhaps gone
  const auto name = [](std::uint32_t i) { return "n" + std::to_string(i); };
  std::thread changer([&] {
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      SetAttributes change;
      change.uid = i;
      EXPECT_TRUE(tree.set_attributes(f, change));
      uid.store(i);
      EXPECT_TRUE(tree.make_node(d, name(i), of(FileType::Regular)));
      made.store(i + 1);
      if (i < 100) continue;
      to_remove.store(i - 99);
      EXPECT_TRUE(tree.unlink(d, name(i - 100)));
    }
  });
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      while (made.load() < kRounds) {
        const std::uint32_t least = uid.load();
        EXPECT_GE(tree.attributes(f)->uid, least);
        const std::uint32_t from = to_remove.load();
        const std::uint32_t there = made.load();
        if (there <= from) continue;
        const std::uint32_t asked = from + static_cast<std::uint32_t>(random()) % (there - from);
        const bool found = tree.lookup(d, name(asked)).has_value();
        EXPECT_TRUE(found || to_remove.load() > asked) << asked;
        // Remembered as absent until it is made.
        EXPECT_TRUE(!tree.lookup(d, name(there + 5)) || made.load() > there + 4);
        const std::size_t names = listed(tree, d).size();
        EXPECT_GE(names + to_remove.load(), there);
        EXPECT_LE(names + from, made.load() + 1);
      }
    });
  }
  changer.join();
  for (std::thread& reader : readers) reader.join();
  for (std::uint32_t i = 0; i < kRounds; ++i)
    EXPECT_EQ(tree.lookup(d, name(i)).has_value(), i >= kRounds - 100) << i;
  EXPECT_EQ(listed(tree, d).size(), 100U);
}

}  // namespace
}  // namespace coffer::test
