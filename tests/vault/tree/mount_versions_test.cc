// Versioned buckets at the mount: closing a changed file makes a version, removing it a marker; names neither move nor double.

#include <gtest/gtest.h>

#include "tests/vault/tree/versions_fixture.h"

namespace coffer::test {
namespace {

class MountVersions : public VersionsTest {
 protected:
  InodeId make(InodeId parent, std::string_view name, FileType type = FileType::Regular) {
    NewNode node;
    node.type = type;
    if (type == FileType::Symlink) node.symlink_target = "x";
    auto made = tree().make_node(parent, name, node);
    EXPECT_TRUE(made) << name;
    return made ? made->inode : InodeId{};
  }
  void write(InodeId inode, std::string_view bytes, std::uint64_t offset = 0) {
    ASSERT_TRUE(tree().write(inode, offset, as_bytes(bytes)));
  }
  void close(InodeId inode) { ASSERT_TRUE(tree().commit_file(inode)); }
  InodeId look_up(InodeId parent, std::string_view name) {
    auto found = tree().lookup(parent, name);
    return found ? found->inode : InodeId{};
  }
  std::string read(InodeId inode) {
    std::string bytes(4096, '?');
    const auto got =
        tree().read(inode, 0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    return got ? bytes.substr(0, *got) : "error";
  }
  std::vector<std::string> versions_of(const std::string& key) {
    std::vector<std::string> ids;
    const auto page = objects().list_versions("bucket", {key, {}, {}, {}, 1000}).value();
    for (const VersionEntry& entry : page.entries)
      if (entry.info.key == key) ids.push_back(entry.marker ? "marker" : entry.info.version);
    return ids;
  }
};

TEST_F(MountVersions, ClosingAChangedFileMakesAVersion) {
  enable();
  const InodeId directory = make(bucket_id(), "d", FileType::Directory);
  const InodeId file = make(directory, "f");
  write(file, "one");
  close(file);
  ASSERT_EQ(versions_of("d/f").size(), 1U);
  const ObjectInfo first = objects().head("bucket", "d/f").value();
  write(file, "two");
  write(file, "three");  // of the same opening
  close(file);
  close(file);  // nothing changed
  const auto ids = versions_of("d/f");
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[1], first.version);
  EXPECT_EQ(get("d/f"), "three");
  EXPECT_EQ(get("d/f", first.version), "one");
  EXPECT_EQ(objects().head("bucket", "d/f", first.version).value().etag, first.etag)
      << "an ETag is stable while the content is";
  EXPECT_EQ(look_up(directory, "f"), file) << "the kernel's inode stays";
  expect_consistent();
  world.reopen();
  EXPECT_EQ(get("d/f", first.version), "one");
  expect_consistent();
}

TEST_F(MountVersions, WhatChangesBytesMakesAVersion) {
  enable();
  put("k", "0123456789");
  const InodeId file = look_up(bucket_id(), "k");
  SetAttributes shorter;
  shorter.size = 4;
  ASSERT_TRUE(tree().set_attributes(file, shorter));
  close(file);
  ASSERT_TRUE(tree().allocate(file, AllocateMode::PunchHole, 0, 2));
  close(file);
  const InodeId other = make(bucket_id(), "other");
  write(other, "abc");
  close(other);
  ASSERT_TRUE(tree().copy_range(other, 0, file, 0, 3));
  close(file);
  write(file, std::string(200'000, 'x'));
  close(file);
  SetAttributes mode;
  mode.permissions = 0600;
  ASSERT_TRUE(tree().set_attributes(file, mode));  // no bytes
  const auto ids = versions_of("k");
  ASSERT_EQ(ids.size(), 5U);
  EXPECT_EQ(get("k", ids[4]), "0123456789");
  EXPECT_EQ(get("k", ids[3]), "0123");
  EXPECT_EQ(get("k", ids[2]), std::string("\0\0"
                                          "23",
                                          4));
  EXPECT_EQ(get("k", ids[1]), "abc3");
  EXPECT_EQ(get("k").size(), 200'000U);
  expect_consistent();
}

TEST_F(MountVersions, AFileFromBeforeIsKeptAsTheVersionNull) {
  const InodeId directory = make(bucket_id(), "d", FileType::Directory);
  const InodeId file = make(directory, "f");
  write(file, "before");
  close(file);
  world.observer.take();
  enable();
  const auto told = world.observer.take();
  ASSERT_EQ(told.size(), 1U) << "the kernel forgets the names that it has";
  EXPECT_EQ(told[0].name, "bucket");
  ASSERT_EQ(look_up(directory, "f"), file);
  write(file, "after");
  close(file);
  EXPECT_EQ(get("d/f", "null"), "before");
  EXPECT_EQ(get("d/f"), "aftere");
  // Known by a listing alone.
  put("d/g", "g1");
  world.reopen();
  EXPECT_EQ(names_in(look_up(look_up(kRootInode, "bucket"), "d")).size(), 2U);
  const InodeId g = look_up(directory, "g");
  write(g, "g2");
  EXPECT_EQ(versions_of("d/g").size(), 2U);
  expect_consistent();
}

TEST_F(MountVersions, UnlinkMakesAMarkerAndKeepsTheDirectory) {
  enable();
  put("d/f", "bytes");
  const InodeId directory = look_up(bucket_id(), "d");
  ASSERT_TRUE(tree().unlink(directory, "f"));
  EXPECT_EQ(versions_of("d/f").size(), 2U);
  EXPECT_EQ(versions_of("d/f")[0], "marker");
  EXPECT_EQ(get("d/f", versions_of("d/f")[1]), "bytes");
  EXPECT_EQ(look_up(directory, "f"), InodeId{});
  const InodeId again = make(directory, "f");
  write(again, "new");
  close(again);
  EXPECT_EQ(versions_of("d/f").size(), 3U);
  EXPECT_EQ(get("d/f"), "new");
  put("m/", "marker");
  ASSERT_TRUE(tree().remove_directory(bucket_id(), "m"));
  EXPECT_EQ(versions_of("m/").size(), 2U) << "what was put as an object";
  make(bucket_id(), "plain", FileType::Directory);
  ASSERT_TRUE(tree().remove_directory(bucket_id(), "plain"));
  EXPECT_EQ(versions_of("plain/").size(), 0U) << "mkdir and rmdir leave nothing";
  make(bucket_id(), "link", FileType::Symlink);
  ASSERT_TRUE(tree().unlink(bucket_id(), "link"));
  EXPECT_EQ(versions_of("link").size(), 0U);
  expect_consistent();
}

TEST_F(MountVersions, NamesNeitherMoveNorDouble) {
  ASSERT_TRUE(objects().create_bucket("plain", kRelaxed, {}));
  enable();
  put("a", "1");
  put("d/x", "1");
  const InodeId plain = look_up(kRootInode, "plain");
  const InodeId outside = make(plain, "o");
  make(plain, "od", FileType::Directory);
  const InodeId bucket = bucket_id();
  const auto rename = [&](InodeId from, const char* name, InodeId to, const char* new_name) {
    return error_of(tree().rename({from, name, to, new_name}));
  };
  EXPECT_EQ(rename(bucket, "a", bucket, "b"), Errc::CrossDevice);
  EXPECT_EQ(rename(bucket, "d", bucket, "e"), Errc::CrossDevice);
  EXPECT_EQ(rename(bucket, "d", plain, "e"), Errc::CrossDevice);
  EXPECT_EQ(rename(plain, "o", bucket, "o"), Errc::CrossDevice);
  EXPECT_EQ(rename(plain, "od", look_up(bucket, "d"), "od"), Errc::CrossDevice);
  EXPECT_EQ(rename(kRootInode, "bucket", plain, "bucket"), Errc::CrossDevice);
  EXPECT_EQ(error_of(tree().link(look_up(bucket, "a"), bucket, "l")), Errc::Permission);
  EXPECT_EQ(error_of(tree().link(look_up(bucket, "a"), plain, "l")), Errc::Permission);
  EXPECT_EQ(error_of(tree().link(outside, bucket, "l")), Errc::Permission);
  EXPECT_EQ(rename(plain, "o", plain, "p"), Errc{-1});
  // The bucket itself may be called otherwise, with its versions.
  put("a", "2");
  EXPECT_EQ(rename(kRootInode, "bucket", kRootInode, "renamed"), Errc{-1});
  EXPECT_EQ(objects().list_versions("renamed", {}).value().entries.size(), 3U);
  EXPECT_EQ(rename(kRootInode, "renamed", kRootInode, "bucket"), Errc{-1});
  expect_consistent();
}

TEST_F(MountVersions, AWriterWhoseFileWasReplacedChangesNoVersion) {
  enable();
  const std::string first = put("k", "first").version;
  const InodeId file = look_up(bucket_id(), "k");
  SomeUsers users;
  users.known = {file};
  tree().set_inode_users(&users);
  const std::string second = put("k", "second").version;
  write(file, "XXXXX");  // it has the old inode open
  close(file);
  EXPECT_EQ(read(file), "XXXXX");
  EXPECT_EQ(get("k", first), "first");
  EXPECT_EQ(get("k", second), "second");
  EXPECT_EQ(versions_of("k").size(), 2U);
  // One that is still being written is the version that it becomes.
  const InodeId open = make(bucket_id(), "w");
  write(open, "half");
  put("w", "from S3");
  users.known.insert(open);
  write(open, " done", 4);
  close(open);
  ASSERT_EQ(versions_of("w").size(), 2U);
  EXPECT_EQ(get("w", versions_of("w")[1]), "half done");
  users.known.clear();
  tree().forgotten(file);
  tree().forgotten(open);
  tree().set_inode_users(nullptr);
  expect_consistent();
}

TEST_F(MountVersions, SuspendedTheMountWritesTheNullVersion) {
  enable();
  const std::string kept = put("k", "kept").version;
  suspend();
  const InodeId file = look_up(bucket_id(), "k");
  write(file, "null");
  close(file);
  write(file, "NULL");
  close(file);
  EXPECT_EQ(versions_of("k"), (std::vector<std::string>{"null", kept}));
  EXPECT_EQ(get("k", kept), "kept");
  EXPECT_EQ(get("k"), "NULL");
  ASSERT_TRUE(tree().unlink(bucket_id(), "k"));
  EXPECT_EQ(versions_of("k"), (std::vector<std::string>{"marker", kept}));
  make(bucket_id(), "k");
  EXPECT_EQ(versions_of("k"), (std::vector<std::string>{"null", kept}));
  expect_consistent();
}

}  // namespace
}  // namespace coffer::test
