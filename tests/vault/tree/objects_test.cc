// Objects: what S3 clients put is what they get and list, and what the mount shows of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {
namespace {

constexpr auto kRelaxed = Durability::Relaxed;

Result<ObjectInfo> put(Objects& objects, std::string_view key, std::string_view bytes,
                       ObjectMetadata metadata = {}, const WriteConditions& conditions = {},
                       Durability durability = kRelaxed) {
  COFFER_ASSIGN(auto writer, objects.begin_put("bucket", key));
  COFFER_TRY(writer->write(as_bytes(bytes)));
  return writer->commit(std::move(metadata), conditions, durability);
}

void expect_put(Objects& objects, std::string_view key, std::string_view bytes) {
  auto done = put(objects, key, bytes);
  ASSERT_TRUE(done) << to_string(done.error().code) << " " << done.error().context;
}

std::string get(Objects& objects, std::string_view key) {
  auto reader = objects.open_reader("bucket", key);
  if (!reader) return "error " + std::string(to_string(reader.error().code));
  std::string bytes((*reader)->info().size, '?');
  auto got = (*reader)->read(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
  if (!got) return "error " + std::string(to_string(got.error().code));
  return bytes.substr(0, *got);
}

Errc error_of(const auto& result) { return result ? Errc{-1} : result.error().code; }

InodeId inode_at(Tree& tree, const std::vector<std::string>& names) {
  InodeId at = kRootInode;
  for (const std::string& name : names) {
    auto entry = tree.lookup(at, name);
    if (!entry) return InodeId{};
    at = entry->inode;
  }
  return at;
}

std::vector<std::string> names_in(Tree& tree, InodeId directory) {
  std::vector<std::string> names;
  EXPECT_TRUE(tree.read_directory(directory, 0, [&](const DirectoryEntry& entry) {
    names.emplace_back(entry.name);
    return true;
  }));
  std::sort(names.begin(), names.end());
  return names;
}

void expect_consistent(World& world) {
  world.inodes->drain_reaper();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
}

class ObjectsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(world.objects().create_bucket("bucket", kRelaxed, {})); }
  World world;
};

TEST_F(ObjectsTest, Buckets) {
  Objects& objects = world.objects();
  EXPECT_EQ(error_of(objects.create_bucket("bucket", kRelaxed, {})), Errc::Exists);
  EXPECT_EQ(error_of(objects.create_bucket("Bad_Name", kRelaxed, {})), Errc::InvalidArgument);
  NewNode directory;
  directory.type = FileType::Directory;
  ASSERT_TRUE(world.tree().make_node(kRootInode, "made-at-mount", directory));
  ASSERT_TRUE(world.tree().make_node(kRootInode, "NotServed", directory));
  const auto buckets = objects.buckets();
  ASSERT_TRUE(buckets);
  ASSERT_EQ(buckets->size(), 2U);
  EXPECT_EQ((*buckets)[0].name, "bucket");
  EXPECT_EQ((*buckets)[1].name, "made-at-mount");
  EXPECT_EQ(error_of(objects.bucket("NotServed")), Errc::NotFound);
  expect_put(objects, "deep/key", "x");
  EXPECT_EQ(error_of(objects.remove_bucket("bucket", kRelaxed)), Errc::NotEmpty);
  EXPECT_TRUE(objects.remove("bucket", "deep/key", {}, kRelaxed).value());
  ASSERT_TRUE(objects.create_upload("bucket", "pending", {}));
  EXPECT_TRUE(objects.remove_bucket("bucket", Durability::Synced));
  EXPECT_EQ(error_of(objects.bucket("bucket")), Errc::NotFound);
  expect_consistent(world);
}

TEST_F(ObjectsTest, AKeyThatIsNoMountNameIsNeverLookedUpByItself) {
  const InodeId bucket = world.tree().lookup(kRootInode, "bucket")->inode;
  const std::string key(300, 'n');
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(error_of(world.tree().lookup(bucket, key)), Errc::NameTooLong);
    expect_put(world.objects(), key, "bytes");
  }
}

TEST_F(ObjectsTest, EveryClassOfKeyIsKeptVerbatim) {
  const std::string long_component(300, 'n');
  const std::vector<std::string> keys = {"a",
                                         "a/b",
                                         "a/",
                                         "a-b",
                                         "a0",
                                         "/",
                                         "//",
                                         "/lead",
                                         "trail/",
                                         "two//slashes",
                                         ".",
                                         "..",
                                         "./x",
                                         "../y",
                                         "dir/.",
                                         "dir/..",
                                         "%s3.e",
                                         "%s3.o.a",
                                         long_component,
                                         long_component + "/" + long_component,
                                         std::string(1024, 'k'),
                                         std::string("nul\0byte", 8),
                                         "\xc3\xa9t\xc3\xa9",
                                         "e\xcc\x81",
                                         "sp ace\ttab\nline"};
  for (const std::string& key : keys) expect_put(world.objects(), key, "bytes of " + key);
  world.reopen();
  for (const std::string& key : keys) EXPECT_EQ(get(world.objects(), key), "bytes of " + key);
  std::vector<std::string> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  const auto page = world.objects().list("bucket", {});
  ASSERT_TRUE(page);
  std::vector<std::string> listed;
  for (const ObjectInfo& info : page->objects) listed.push_back(info.key);
  EXPECT_EQ(listed, sorted);
  EXPECT_EQ(error_of(put(world.objects(), std::string(1025, 'k'), "")), Errc::NameTooLong);
  EXPECT_EQ(error_of(put(world.objects(), "\xff", "")), Errc::InvalidArgument);
  // All of them can be reached at the mount, under names that it can hold.
  Tree& tree = world.tree();
  const InodeId bucket = inode_at(tree, {"bucket"});
  for (const std::string& name : names_in(tree, bucket))
    EXPECT_TRUE(tree.lookup(bucket, name)) << name;
  EXPECT_NE(inode_at(tree, {"bucket", "%s3.e", "lead"}), InodeId{});
  EXPECT_NE(inode_at(tree, {"bucket", "%s3.o.a"}), InodeId{});
  EXPECT_NE(inode_at(tree, {"bucket", "dir", "%s3.dd"}), InodeId{});
  expect_consistent(world);
  for (const std::string& key : keys)
    EXPECT_TRUE(world.objects().remove("bucket", key, {}, kRelaxed).value());
  EXPECT_TRUE(names_in(tree, bucket).empty());
  expect_consistent(world);
}

TEST_F(ObjectsTest, AFileBecomesHiddenBehindADirectoryOfItsNameAndBothDoorsAreTold) {
  Tree& tree = world.tree();
  expect_put(world.objects(), "a", "file");
  const InodeId bucket = inode_at(tree, {"bucket"});
  const InodeId file = inode_at(tree, {"bucket", "a"});
  world.observer.take();
  expect_put(world.objects(), "a/b", "below");
  std::set<std::pair<Change::Kind, std::string>> told;
  for (const Change& change : world.observer.take()) {
    EXPECT_EQ(change.door, Door::Gateway);
    if (change.parent == bucket) told.emplace(change.kind, change.name);
  }
  EXPECT_TRUE(told.contains({Change::Kind::EntryReplaced, "a"}));
  EXPECT_TRUE(told.contains({Change::Kind::EntryAdded, "%s3.o.a"}));
  EXPECT_EQ(inode_at(tree, {"bucket", "%s3.o.a"}), file);
  EXPECT_EQ(get(world.objects(), "a"), "file");
  EXPECT_EQ(get(world.objects(), "a/b"), "below");
  EXPECT_TRUE(world.objects().remove("bucket", "a/b", {}, kRelaxed).value());
  EXPECT_EQ(inode_at(tree, {"bucket", "a"}), file);
  EXPECT_EQ(inode_at(tree, {"bucket", "%s3.o.a"}), InodeId{});
  expect_consistent(world);
}

TEST_F(ObjectsTest, DeletePrunesWhatOnlyKeysMadeAndTheMountDoesNot) {
  Tree& tree = world.tree();
  Objects& objects = world.objects();
  expect_put(objects, "p/q/r/x", "1");
  expect_put(objects, "p/s", "2");
  EXPECT_TRUE(objects.remove("bucket", "p/q/r/x", {}, kRelaxed).value());
  EXPECT_EQ(inode_at(tree, {"bucket", "p", "q"}), InodeId{});
  EXPECT_NE(inode_at(tree, {"bucket", "p"}), InodeId{});
  EXPECT_FALSE(objects.remove("bucket", "p/q/r/x", {}, kRelaxed).value());
  ASSERT_TRUE(tree.unlink(inode_at(tree, {"bucket", "p"}), "s"));
  EXPECT_NE(inode_at(tree, {"bucket", "p"}), InodeId{});
  EXPECT_TRUE(objects.list("bucket", {})->objects.empty());
  // A marker stays, and is an object.
  expect_put(objects, "m/", "");
  expect_put(objects, "m/n/x", "3");
  EXPECT_TRUE(objects.remove("bucket", "m/n/x", {}, kRelaxed).value());
  EXPECT_EQ(get(objects, "m/"), "");
  EXPECT_TRUE(objects.remove("bucket", "m/", {}, kRelaxed).value());
  EXPECT_EQ(inode_at(tree, {"bucket", "m"}), InodeId{});
  expect_consistent(world);
}

TEST_F(ObjectsTest, MarkersHoldBytes) {
  Objects& objects = world.objects();
  expect_put(objects, "k/", "first body");
  expect_put(objects, "k/x", "inner");
  auto reader = objects.open_reader("bucket", "k/");
  ASSERT_TRUE(reader);
  expect_put(objects, "k/", std::string(100'000, 'z'));
  std::string old(10, '?');
  EXPECT_EQ((*reader)->read(0, {reinterpret_cast<std::byte*>(old.data()), old.size()}).value(),
            10U);
  EXPECT_EQ(old, "first body");
  reader->reset();
  EXPECT_EQ(get(objects, "k/"), std::string(100'000, 'z'));
  EXPECT_TRUE(objects.remove("bucket", "k/", {}, kRelaxed).value());
  EXPECT_EQ(get(objects, "k/"), "error NotFound");
  EXPECT_EQ(get(objects, "k/x"), "inner");
  expect_put(objects, "k/", "again");
  EXPECT_TRUE(objects.remove("bucket", "k/x", {}, kRelaxed).value());
  ASSERT_TRUE(world.tree().remove_directory(inode_at(world.tree(), {"bucket"}), "k"));
  expect_consistent(world);
}

TEST_F(ObjectsTest, Conditions) {
  Objects& objects = world.objects();
  WriteConditions absent;
  absent.if_none_match_any = true;
  WriteConditions match;
  match.if_match = "e1";
  ObjectMetadata metadata;
  metadata.etag = "e1";
  EXPECT_EQ(error_of(put(objects, "c", "1", metadata, match)), Errc::NotFound);
  ASSERT_TRUE(put(objects, "c", "1", metadata, absent));
  EXPECT_EQ(error_of(put(objects, "c", "2", metadata, absent)), Errc::Conflict);
  EXPECT_EQ(get(objects, "c"), "1");
  metadata.etag = "e2";
  ASSERT_TRUE(put(objects, "c", "2", metadata, match));
  EXPECT_EQ(error_of(put(objects, "c", "3", metadata, match)), Errc::Conflict);
  EXPECT_EQ(error_of(objects.remove("bucket", "c", match, kRelaxed)), Errc::Conflict);
  match.if_match = "*";
  EXPECT_TRUE(objects.remove("bucket", "c", match, kRelaxed).value());
  expect_consistent(world);
}

TEST_F(ObjectsTest, MetadataEtagsAndWritesAtTheMount) {
  Objects& objects = world.objects();
  Tree& tree = world.tree();
  ObjectMetadata metadata;
  metadata.etag = "0123456789abcdef0123456789abcdef";
  metadata.content_type = "text/x-test";
  metadata.user["color"] = "blue";
  metadata.headers["cache-control"] = "no-cache";
  metadata.checksums["crc32c"] = "AAAA";
  ASSERT_TRUE(put(objects, "o.txt", "hello", metadata));
  world.reopen();
  auto info = world.objects().head("bucket", "o.txt");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->etag, metadata.etag);
  EXPECT_EQ(info->metadata.user, metadata.user);
  EXPECT_EQ(info->metadata.headers, metadata.headers);
  EXPECT_EQ(info->metadata.checksums, metadata.checksums);
  Tree& mount = world.tree();
  const InodeId file = inode_at(mount, {"bucket", "o.txt"});
  EXPECT_EQ(mount.get_xattr(file, "user.s3.color").value(), "blue");
  EXPECT_EQ(mount.list_xattrs(file)->size(), 2U);
  EXPECT_EQ(error_of(mount.set_xattr(file, "user.s3.color", as_bytes("red"), XattrMode::Any)),
            Errc::NotSupported);
  ASSERT_TRUE(mount.write(file, 0, as_bytes("HE")));
  ASSERT_TRUE(mount.commit_file(file));
  info = world.objects().head("bucket", "o.txt");
  EXPECT_NE(info->etag.find('-'), std::string::npos);
  EXPECT_TRUE(info->metadata.checksums.empty());
  EXPECT_EQ(info->metadata.content_type, "text/x-test");
  EXPECT_EQ(get(world.objects(), "o.txt"), "HEllo");
  EXPECT_EQ(world.objects().head("bucket", "o.txt")->etag, info->etag);
  auto made = mount.make_node(inode_at(mount, {"bucket"}), "page.html", {});
  ASSERT_TRUE(made);
  info = world.objects().head("bucket", "page.html");
  EXPECT_EQ(info->metadata.content_type, "text/html");
  EXPECT_NE(info->etag.find('-'), std::string::npos);
  (void)tree;
}

TEST_F(ObjectsTest, OnlyRegularFilesAreObjectsAndSymlinksAreNotFollowed) {
  Tree& tree = world.tree();
  Objects& objects = world.objects();
  const InodeId bucket = inode_at(tree, {"bucket"});
  NewNode link;
  link.type = FileType::Symlink;
  link.symlink_target = "elsewhere";
  ASSERT_TRUE(tree.make_node(bucket, "s", link));
  NewNode fifo;
  fifo.type = FileType::Fifo;
  ASSERT_TRUE(tree.make_node(bucket, "f", fifo));
  EXPECT_TRUE(objects.list("bucket", {})->objects.empty());
  EXPECT_EQ(error_of(objects.head("bucket", "s")), Errc::NotDirectory);
  EXPECT_EQ(error_of(objects.head("bucket", "s/x")), Errc::NotDirectory);
  EXPECT_EQ(error_of(put(objects, "s/x", "1")), Errc::NotDirectory);
  EXPECT_EQ(error_of(put(objects, "s", "1")), Errc::NotDirectory);
  EXPECT_EQ(error_of(objects.head("bucket", "f")), Errc::NotFound);
  EXPECT_EQ(error_of(put(objects, "f", "1")), Errc::NotDirectory);
  EXPECT_FALSE(objects.remove("bucket", "f", {}, kRelaxed).value());
  expect_consistent(world);
}

TEST_F(ObjectsTest, ReadersKeepTheirSnapshotAndAbandonedWritersLeaveNothing) {
  Objects& objects = world.objects();
  const std::string first(300'000, '1');
  expect_put(objects, "o", first);
  auto reader = objects.open_reader("bucket", "o");
  ASSERT_TRUE(reader);
  expect_put(objects, "o", "second");
  EXPECT_TRUE(objects.remove("bucket", "o", {}, kRelaxed).value());
  world.inodes->drain_reaper();
  std::string got(first.size(), '?');
  EXPECT_EQ((*reader)->read(0, {reinterpret_cast<std::byte*>(got.data()), got.size()}).value(),
            first.size());
  EXPECT_EQ(got, first);
  reader->reset();
  {
    auto writer = objects.begin_put("bucket", "never");
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_bytes(first)));
  }
  world.inodes->drain_reaper();
  EXPECT_EQ(get(objects, "never"), "error NotFound");
  EXPECT_EQ(world.inodes->count(), 1U);  // the bucket; the root was made without counting
  expect_consistent(world);
}

TEST_F(ObjectsTest, CopySharesBytes) {
  Objects& objects = world.objects();
  const std::string bytes(500'000, 'c');
  ObjectMetadata metadata;
  metadata.etag = "abc";
  metadata.user["a"] = "1";
  ASSERT_TRUE(put(objects, "from", bytes, metadata));
  auto copied = objects.copy({"bucket", "from", "bucket", "x/to"}, Durability::Synced);
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(copied->etag, "abc");
  ObjectMetadata other;
  other.user["b"] = "2";
  CopyRequest onto_itself{"bucket", "from", "bucket", "from"};
  onto_itself.metadata = [&](const ObjectMetadata&) { return other; };
  ASSERT_TRUE(objects.copy(onto_itself, kRelaxed));
  EXPECT_EQ(objects.head("bucket", "from")->etag, "abc");
  EXPECT_EQ(objects.head("bucket", "from")->metadata.user, other.user);
  EXPECT_EQ(objects.head("bucket", "x/to")->metadata.user, metadata.user);
  EXPECT_TRUE(objects.remove("bucket", "from", {}, kRelaxed).value());
  world.reopen();
  EXPECT_EQ(get(world.objects(), "x/to"), bytes);
  expect_consistent(world);
}

/// What a PUT says of its bytes.
ObjectMetadata computed(const std::string& etag) {
  ObjectMetadata metadata;
  metadata.etag = etag;
  metadata.checksums["crc32"] = etag;
  return metadata;
}

TEST_F(ObjectsTest, ACopyIsOfTheSourceThatItsConditionsSaw) {
  Objects& objects = world.objects();
  const std::string old_bytes(300'000, 'o');
  ASSERT_TRUE(put(objects, "from", old_bytes, computed("old")));
  CopyRequest request{"bucket", "from", "bucket", "to"};
  request.metadata = [](const ObjectMetadata& from) {
    ObjectMetadata metadata = from;
    metadata.user["u"] = "1";
    return metadata;
  };
  int asked = 0;
  request.source_holds = [&](const ObjectInfo& info) {
    ++asked;
    EXPECT_EQ(info.etag, "old");
    EXPECT_TRUE(put(objects, "from", "new bytes", computed("new")));  // in between
    return true;
  };
  const auto copied = objects.copy(request, kRelaxed);
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(copied->etag, "old");
  EXPECT_EQ(get(objects, "to"), old_bytes);
  EXPECT_EQ(objects.head("bucket", "to")->metadata.checksums.at("crc32"), "old");
  EXPECT_EQ(objects.head("bucket", "to")->metadata.user.at("u"), "1");

  request.source_holds = [](const ObjectInfo&) { return false; };
  EXPECT_EQ(error_of(objects.copy(request, kRelaxed)), Errc::Conflict);
  EXPECT_EQ(objects.head("bucket", "to")->etag, "old");
  expect_consistent(world);
}

TEST_F(ObjectsTest, WhatTheMountRewritesWhileItIsCopiedHasNoOldEtag) {
  Objects& objects = world.objects();
  ASSERT_TRUE(put(objects, "from", std::string(300'000, 'o'), computed("old")));
  const InodeId inode = inode_at(world.tree(), {"bucket", "from"});
  CopyRequest request{"bucket", "from", "bucket", "to"};
  std::vector<std::string> asked;
  request.source_holds = [&](const ObjectInfo& info) {
    if (asked.empty()) {
      EXPECT_TRUE(world.tree().write(inode, 0, as_bytes("rewritten")));
    }
    asked.push_back(info.etag);
    return true;
  };
  const auto copied = objects.copy(request, kRelaxed);
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(get(objects, "to").substr(0, 9), "rewritten");
  EXPECT_NE(copied->etag.find('-'), std::string::npos);
  EXPECT_TRUE(objects.head("bucket", "to")->metadata.checksums.empty());
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_NE(asked[1], "old");
  // Conditions that the new bytes do not meet end it.
  ASSERT_TRUE(put(objects, "from", std::string(300'000, 'o'), computed("old")));
  request.to_key = "none";
  const InodeId again = inode_at(world.tree(), {"bucket", "from"});
  request.source_holds = [&](const ObjectInfo& info) {
    EXPECT_TRUE(world.tree().write(again, 0, as_bytes("rewritten")));
    return info.etag == "old";
  };
  EXPECT_EQ(error_of(objects.copy(request, kRelaxed)), Errc::Conflict);
  EXPECT_EQ(get(objects, "none"), "error NotFound");
  expect_consistent(world);
}

void put_part(Objects& objects, std::string_view key, const std::string& id, std::uint32_t number,
              std::string_view bytes, const std::string& etag) {
  auto writer = objects.begin_part("bucket", key, id, number);
  ASSERT_TRUE(writer) << to_string(writer.error().code);
  ASSERT_TRUE((*writer)->write(as_bytes(bytes)));
  ObjectMetadata metadata;
  metadata.etag = etag;
  ASSERT_TRUE((*writer)->commit(std::move(metadata), {}, kRelaxed));
}

TEST_F(ObjectsTest, Multipart) {
  const std::string key = "big/object";
  ObjectMetadata metadata;
  metadata.content_type = "x/y";
  const std::string id = world.objects().create_upload("bucket", key, metadata).value();
  const std::string one(200'000, '1'), two(100'001, '2'), three(70'000, '3');
  put_part(world.objects(), key, id, 1, "replaced", "old");
  put_part(world.objects(), key, id, 3, three, "e3");
  put_part(world.objects(), key, id, 1, one, "e1");
  put_part(world.objects(), key, id, 2, two, "e2");
  put_part(world.objects(), key, id, 9, "unused", "e9");
  expect_consistent(world);
  world.reopen();
  Objects& objects = world.objects();
  EXPECT_EQ(objects.parts("bucket", key, id)->size(), 4U);
  EXPECT_EQ(objects.upload("bucket", key, id)->metadata.content_type, "x/y");
  EXPECT_EQ(error_of(objects.upload("bucket", "other", id)), Errc::NotFound);
  EXPECT_EQ(get(objects, key), "error NotFound");
  const auto complete = [&](std::vector<CompletedPart> parts,
                            const WriteConditions& conditions = {}) {
    ObjectMetadata final;
    final.etag = "all-3";
    return objects.complete_upload("bucket", key, id, parts, final, conditions, kRelaxed);
  };
  EXPECT_EQ(error_of(complete({})), Errc::InvalidArgument);
  EXPECT_EQ(error_of(complete({{2, "e2"}, {1, "e1"}})), Errc::InvalidArgument);
  EXPECT_EQ(error_of(complete({{1, "old"}})), Errc::InvalidArgument);
  EXPECT_EQ(error_of(complete({{1, "e1"}, {4, "e4"}})), Errc::InvalidArgument);
  WriteConditions match;
  match.if_match = "*";
  EXPECT_EQ(error_of(complete({{1, "e1"}}, match)), Errc::NotFound);
  const auto done = complete({{1, "e1"}, {2, "e2"}, {3, "e3"}});
  ASSERT_TRUE(done) << done.error().context;
  EXPECT_EQ(done->size, one.size() + two.size() + three.size());
  EXPECT_EQ(error_of(objects.upload("bucket", key, id)), Errc::NotFound);
  EXPECT_EQ(get(objects, key), one + two + three);
  expect_consistent(world);
  world.reopen();
  EXPECT_EQ(get(world.objects(), key), one + two + three);
  EXPECT_EQ(world.objects().head("bucket", key)->etag, "all-3");
  EXPECT_EQ(world.objects().head("bucket", key)->metadata.parts, 3U);
  expect_consistent(world);
}

TEST_F(ObjectsTest, UploadsListInOrderAndAbort) {
  Objects& objects = world.objects();
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string key : {"b", "a/1", "a/2", "a", "c", "b"}) {
    all.emplace_back(key, objects.create_upload("bucket", key, {}).value());
  }
  std::sort(all.begin(), all.end());
  std::vector<std::pair<std::string, std::string>> listed;
  std::string key_marker, id_marker;
  for (;;) {
    auto page = objects.uploads("bucket", "", "", key_marker, id_marker, 2);
    ASSERT_TRUE(page);
    for (const UploadInfo& info : page->uploads) listed.emplace_back(info.key, info.upload_id);
    if (!page->truncated) break;
    key_marker = page->next_key;
    id_marker = page->next_upload_id;
  }
  EXPECT_EQ(listed, all);
  const auto page = objects.uploads("bucket", "", "/", "", "", 10);
  EXPECT_EQ(page->common_prefixes, std::vector<std::string>{"a/"});
  EXPECT_EQ(page->uploads.size(), 4U);
  put_part(objects, "c", all.back().second, 1, std::string(100'000, 'p'), "e");
  ASSERT_TRUE(objects.abort_upload("bucket", "c", all.back().second));
  EXPECT_EQ(error_of(objects.abort_upload("bucket", "c", all.back().second)), Errc::NotFound);
  EXPECT_EQ(error_of(objects.abort_upload("bucket", "c", "nonsense")), Errc::NotFound);
  world.inodes->drain_reaper();
  EXPECT_EQ(world.inodes->count(), 1U);
  expect_consistent(world);
}

// ---- listing against a model: keys are just strings there

struct ModelPage {
  std::vector<std::string> objects, prefixes;
  bool truncated = false;
  std::string next;
  bool operator==(const ModelPage&) const = default;
};

ModelPage model_list(const std::set<std::string>& keys, const ListRequest& request) {
  ModelPage page;
  const auto common = [&](const std::string& key) -> std::string {
    if (request.delimiter.empty() || !key.starts_with(request.prefix)) return {};
    const std::size_t at = key.find(request.delimiter, request.prefix.size());
    return at == std::string::npos ? std::string() : key.substr(0, at + request.delimiter.size());
  };
  const bool behind_prefix =
      !request.start_after.empty() && common(request.start_after) == request.start_after;
  for (const std::string& key : keys) {
    if (!key.starts_with(request.prefix) || key <= request.start_after) continue;
    if (behind_prefix && key.starts_with(request.start_after)) continue;
    const std::string prefix = common(key);
    if (!prefix.empty() && !page.prefixes.empty() && page.prefixes.back() == prefix) continue;
    if (page.objects.size() + page.prefixes.size() == request.max_keys) {
      page.truncated = true;
      return page;
    }
    if (!prefix.empty())
      page.prefixes.push_back(prefix);
    else
      page.objects.push_back(key);
    page.next = prefix.empty() ? key : prefix;
  }
  page.next.clear();
  return page;
}

TEST_F(ObjectsTest, RandomKeysListAsStringsDo) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> pieces = {"a",        "b",     "a-b",     "a0",
                                           "",         ".",     "..",      "-",
                                           "\xc3\xa9", "%s3.e", "%s3.o.a", std::string(260, 'l'),
                                           "a b"};
  const auto random_key = [&] {
    std::string key = pieces[pick(pieces.size())];
    for (std::size_t n = pick(4); n > 0; --n) key += "/" + pieces[pick(pieces.size())];
    return key.empty() ? std::string("/") : key;
  };
  std::set<std::string> keys;
  for (int step = 0; step < 1500; ++step) {
    if (step % 500 == 499) world.reopen();
    Objects& objects = world.objects();
    if (pick(3) != 0) {
      const std::string key = random_key();
      ASSERT_TRUE(put(objects, key, "x"));
      keys.insert(key);
    } else if (!keys.empty()) {
      auto at = keys.lower_bound(random_key());
      const std::string key = at == keys.end() ? *keys.begin() : *at;
      ASSERT_TRUE(objects.remove("bucket", key, {}, kRelaxed).value());
      keys.erase(key);
    }
    ListRequest request;
    if (pick(2) == 0) request.prefix = random_key().substr(0, pick(6));
    if (pick(2) == 0) request.delimiter = pick(3) == 0 ? "-" : "/";
    if (pick(2) == 0) request.start_after = random_key();
    request.max_keys = static_cast<std::uint32_t>(1 + pick(8));
    for (int pages = 0; pages < 20; ++pages) {
      const auto page = objects.list("bucket", request);
      ASSERT_TRUE(page);
      ModelPage got;
      for (const ObjectInfo& info : page->objects) got.objects.push_back(info.key);
      got.prefixes = page->common_prefixes;
      got.truncated = page->truncated;
      got.next = page->next;
      const ModelPage expected = model_list(keys, request);
      ASSERT_EQ(got.objects, expected.objects) << step;
      ASSERT_EQ(got.prefixes, expected.prefixes) << step;
      ASSERT_EQ(got.truncated, expected.truncated) << step;
      ASSERT_EQ(got.next, expected.next) << step;
      if (!page->truncated) break;
      request.start_after = page->next;
    }
  }
  expect_consistent(world);
  for (const std::string& key : keys)
    ASSERT_TRUE(world.objects().remove("bucket", key, {}, kRelaxed).value());
  EXPECT_TRUE(world.objects().remove_bucket("bucket", kRelaxed));
  expect_consistent(world);
}

}  // namespace
}  // namespace coffer::test
