// The other door's changes show at the mount at once, whatever the kernel had cached.

#include <dirent.h>
#include <linux/fuse.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "coffer/vault/change_feed.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

constexpr std::chrono::seconds kSettle{10};

std::vector<std::string> listing(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  EXPECT_NE(directory, nullptr);
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

/// Changes the tree as the other door does: behind the kernel's back, then through the feed.
class InvalidatorTest : public MountTest {
 protected:
  Tree& tree() { return mounted().vault().tree(); }

  InodeId add(InodeId parent, const std::string& name, const std::string& bytes) {
    const auto made = tree().make_node(parent, name, {});
    EXPECT_TRUE(made);
    EXPECT_TRUE(tree().write(made->inode, 0, as_bytes(bytes)));
    EXPECT_TRUE(tree().commit_file(made->inode));
    return made->inode;
  }
  void publish(Change::Kind kind, InodeId parent, const std::string& name, InodeId inode) {
    mounted().vault().changes().publish({{Door::Gateway, kind, parent, name, inode}});
    EXPECT_TRUE(mounted().mounted().settle(kSettle));
  }
};

TEST_F(InvalidatorTest, ANewNameReplacesACachedAbsence) {
  EXPECT_FALSE(exists(path("object")));
  const InodeId inode = add(kRootInode, "object", "put");
  EXPECT_FALSE(exists(path("object"))) << "the absence was not cached: this test tests nothing";
  publish(Change::Kind::EntryAdded, kRootInode, "object", inode);
  EXPECT_EQ(read_file(path("object")), "put");
}

TEST_F(InvalidatorTest, ACachedListingShowsWhatWasAddedAndRemoved) {
  write_file(path("a"), "a");
  EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{"a"}));
  EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{"a"}));
  const InodeId b = add(kRootInode, "b", "b");
  publish(Change::Kind::EntryAdded, kRootInode, "b", b);
  EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{"a", "b"}));
  ASSERT_TRUE(tree().unlink(kRootInode, "b"));
  publish(Change::Kind::EntryRemoved, kRootInode, "b", b);
  EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{"a"}));
}

TEST_F(InvalidatorTest, AReplacedFileIsNewAtItsNameAndOldInOpenDescriptors) {
  write_file(path("object"), "old content");
  const Descriptor open_before(path("object"), O_RDONLY);
  EXPECT_EQ(read_all(open_before), "old content");
  const InodeId old(stat_of(path("object")).st_ino);
  ASSERT_TRUE(tree().unlink(kRootInode, "object"));
  add(kRootInode, "object", "new");
  publish(Change::Kind::EntryReplaced, kRootInode, "object", old);
  EXPECT_EQ(read_file(path("object")), "new");
  EXPECT_EQ(stat_of(path("object")).st_size, 3);
  EXPECT_EQ(read_all(open_before), "old content");
  struct stat now {};
  ASSERT_EQ(::fstat(open_before.get(), &now), 0);
  EXPECT_EQ(now.st_nlink, 0U);
}

TEST_F(InvalidatorTest, ARemovedFileIsGone) {
  write_file(path("object"), "x");
  const InodeId inode(stat_of(path("object")).st_ino);
  ASSERT_TRUE(tree().unlink(kRootInode, "object"));
  publish(Change::Kind::EntryRemoved, kRootInode, "object", inode);
  EXPECT_FALSE(exists(path("object")));
}

TEST_F(InvalidatorTest, ContentChangedInPlaceIsReadAgain) {
  write_file(path("file"), "before");
  EXPECT_EQ(read_file(path("file")), "before");
  const InodeId inode(stat_of(path("file")).st_ino);
  ASSERT_TRUE(tree().write(inode, 0, as_bytes("behind")));
  publish(Change::Kind::InodeChanged, {}, "", inode);
  EXPECT_EQ(read_file(path("file")), "behind");
}

TEST_F(InvalidatorTest, WhatTheKernelDoesNotKnowIsNotNotified) {
  NewNode node;
  node.type = FileType::Directory;
  node.permissions = 0755;
  const auto directory = tree().make_node(kRootInode, "d", node);
  ASSERT_TRUE(directory);
  const std::uint64_t before = mounted().mounted().statistics().notifications;
  const InodeId inode = add(directory->inode, "object", "x");
  publish(Change::Kind::EntryAdded, directory->inode, "object", inode);
  EXPECT_EQ(mounted().mounted().statistics().notifications, before);
  EXPECT_EQ(read_file(path("d/object")), "x");
}

TEST_F(InvalidatorTest, OurOwnChangesAreNotNotified) {
  const std::uint64_t before = mounted().mounted().statistics().notifications;
  write_file(path("file"), "x");
  ASSERT_EQ(::rename(path("file").c_str(), path("other").c_str()), 0);
  ASSERT_EQ(::unlink(path("other").c_str()), 0);
  EXPECT_TRUE(mounted().mounted().settle(kSettle));
  EXPECT_EQ(mounted().mounted().statistics().notifications, before);
}

// Listings and lookups run all the time while names come and go; after each settled change the mount
// must show it. A reply that overtook its notification would stay wrong for a day.
TEST_F(InvalidatorTest, NothingStaleStaysUnderConcurrentReaders) {
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      while (!done) {
        static_cast<void>(listing(mounted().root()));
        static_cast<void>(exists(path("object")));
      }
    });
  }
  for (int round = 0; round < 150; ++round) {
    const InodeId inode = add(kRootInode, "object", std::to_string(round));
    publish(Change::Kind::EntryAdded, kRootInode, "object", inode);
    EXPECT_EQ(read_file(path("object")), std::to_string(round));
    EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{"object"})) << round;
    ASSERT_TRUE(tree().unlink(kRootInode, "object"));
    publish(Change::Kind::EntryRemoved, kRootInode, "object", inode);
    EXPECT_FALSE(exists(path("object"))) << round;
    EXPECT_EQ(listing(mounted().root()), (std::vector<std::string>{})) << round;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace coffer::fuse::testing
