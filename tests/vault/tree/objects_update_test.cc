// What is kept with buckets and objects beside their bytes: settings, tags, properties, parts.

#include <gtest/gtest.h>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {
namespace {

using Map = std::map<std::string, std::string>;
constexpr Durability kRelaxed = Durability::Relaxed;

template <typename T>
Errc error_of(const Result<T>& result) {
  return result ? Errc{} : result.error().code;
}

class ObjectsUpdate : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(objects().create_bucket("bucket", kRelaxed, {{"owner", "me"}}));
  }
  Objects& objects() { return world.objects(); }
  ObjectInfo put(std::string_view key, std::string_view bytes, ObjectMetadata metadata = {}) {
    auto writer = objects().begin_put("bucket", key);
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->write(as_bytes(bytes)));
    auto info = (*writer)->commit(std::move(metadata), {}, kRelaxed);
    EXPECT_TRUE(info);
    return *info;
  }
  std::string part(const std::string& id, std::uint32_t number, std::string_view bytes) {
    auto writer = objects().begin_part("bucket", "mp", id, number);
    EXPECT_TRUE(writer);
    EXPECT_TRUE((*writer)->write(as_bytes(bytes)));
    ObjectMetadata metadata;
    metadata.etag = "e" + std::to_string(number);
    metadata.checksums["sse-c"] = std::to_string(number);
    EXPECT_TRUE((*writer)->commit(metadata, {}, kRelaxed));
    return metadata.etag;
  }

  World world;
};

TEST_F(ObjectsUpdate, SettingsOfABucketSurviveReopeningAndGoWithIt) {
  ASSERT_TRUE(objects().set_bucket_setting("bucket", "policy", "p1", Durability::Synced));
  const auto before = objects().bucket("bucket")->settings;
  EXPECT_EQ(before, objects().bucket("bucket")->settings) << "one object while nothing changes";
  ASSERT_TRUE(objects().set_bucket_setting("bucket", "policy", "p2", Durability::Synced));
  EXPECT_EQ(before->at("policy"), "p1") << "who has it keeps it";
  world.reopen();
  const BucketSettings expected{{"owner", "me"}, {"policy", "p2"}};
  EXPECT_EQ(*objects().bucket("bucket")->settings, expected);
  EXPECT_EQ(*objects().buckets()->front().settings, expected);
  ASSERT_TRUE(objects().set_bucket_setting("bucket", "policy", std::nullopt, kRelaxed));
  EXPECT_FALSE(objects().bucket("bucket")->settings->contains("policy"));
  EXPECT_EQ(error_of(objects().set_bucket_setting("none", "a", "b", kRelaxed)), Errc::NotFound);
  const std::string large(kBucketSettingBytesMax + 1, 'x');
  EXPECT_EQ(error_of(objects().set_bucket_setting("bucket", "a", large, kRelaxed)), Errc::TooLarge);

  ASSERT_TRUE(objects().remove_bucket("bucket", kRelaxed));
  const std::string prefix(1, keys::kBucketSettings);
  auto rows = world.meta().cursor(prefix, keys::prefix_end(prefix));
  rows->seek(prefix);
  EXPECT_FALSE(rows->valid()) << "the row went with the bucket";
  ASSERT_TRUE(objects().create_bucket("bucket", kRelaxed, {}));
  EXPECT_TRUE(objects().bucket("bucket")->settings->empty());
}

TEST_F(ObjectsUpdate, TagsChangeWithoutTheBytesTheirTimeAndTheirETag) {
  ObjectMetadata metadata;
  metadata.etag = "abc";
  metadata.user["a"] = "1";
  for (const std::string_view key : {"file", "directory/"}) {
    const ObjectInfo made = put(key, "bytes", metadata);
    ObjectUpdate update{made.inode};
    update.tags = Map{{"t", "1"}};
    update.properties = Map{{"acl", "x"}};
    ASSERT_TRUE(objects().update("bucket", key, update, Durability::Synced)) << key;
    world.reopen();
    const auto now = objects().head("bucket", key);
    ASSERT_TRUE(now) << key;
    EXPECT_EQ(now->metadata.tags, *update.tags);
    EXPECT_EQ(now->metadata.properties, *update.properties);
    EXPECT_EQ(now->metadata.user, metadata.user);
    EXPECT_EQ(now->etag, "abc");
    EXPECT_EQ(now->modified, made.modified);
    EXPECT_EQ(now->size, 5U);
    // Only of the object that was looked at.
    put(key, "others");
    EXPECT_EQ(error_of(objects().update("bucket", key, update, kRelaxed)),
              key == "file" ? Errc::Conflict : Errc{});
    EXPECT_EQ(error_of(objects().update("bucket", "none", update, kRelaxed)), Errc::NotFound);
  }
}

TEST_F(ObjectsUpdate, AFileThatTheMountMadeCanBeTagged) {
  const auto bucket = world.tree().lookup(kRootInode, "bucket");
  ASSERT_TRUE(bucket);
  ASSERT_TRUE(world.tree().make_node(bucket->inode, "f", {}));
  NewNode directory;
  directory.type = FileType::Directory;
  ASSERT_TRUE(world.tree().make_node(bucket->inode, "d", directory));
  for (const std::string_view key : {"f", "d/"}) {
    const auto info = objects().head("bucket", key);
    ASSERT_TRUE(info) << key;
    ObjectUpdate update{info->inode};
    update.tags = Map{{"t", "1"}};
    ASSERT_TRUE(objects().update("bucket", key, update, kRelaxed)) << key;
    const auto now = objects().head("bucket", key);
    EXPECT_EQ(now->metadata.tags, *update.tags) << key;
    EXPECT_EQ(now->modified, info->modified) << key;
    EXPECT_EQ(now->etag, info->etag) << key;
  }
}

TEST_F(ObjectsUpdate, PartsOfAMultipartObjectAreKnownUntilItIsReplaced) {
  const auto id = objects().create_upload("bucket", "mp", {});
  ASSERT_TRUE(id);
  const std::string first(100'000, 'a');
  const std::string second(50'000, 'b');
  const std::vector<CompletedPart> named{{2, part(*id, 2, first)}, {5, part(*id, 5, second)}};
  ASSERT_TRUE(objects().complete_upload("bucket", "mp", *id, named, {}, {}, Durability::Synced));
  world.reopen();
  const ObjectInfo info = *objects().head("bucket", "mp");
  const auto parts = objects().object_parts(info);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].number, 2U);
  EXPECT_EQ((*parts)[1].size, second.size());
  EXPECT_EQ((*parts)[1].checksums.at("sse-c"), "5");

  ASSERT_TRUE(objects().copy({"bucket", "mp", "bucket", "copy"}, kRelaxed));
  EXPECT_EQ(objects().object_parts(*objects().head("bucket", "copy"))->size(), 2U);
  put("mp", "one piece");
  EXPECT_TRUE(objects().object_parts(*objects().head("bucket", "mp"))->empty());
  ASSERT_TRUE(objects().remove("bucket", "mp", {}, kRelaxed));
  ASSERT_TRUE(objects().remove("bucket", "copy", {}, kRelaxed));
  world.inodes->drain_reaper();
  const std::string prefix(1, keys::kObjectParts);
  auto rows = world.meta().cursor(prefix, keys::prefix_end(prefix));
  rows->seek(prefix);
  EXPECT_FALSE(rows->valid());
}

TEST_F(ObjectsUpdate, APartCanBeARangeOfAnObject) {
  std::string bytes(300'000, ' ');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>('a' + i % 23);
  put("from", bytes);
  const auto id = objects().create_upload("bucket", "mp", {});
  ASSERT_TRUE(id);
  {
    const auto reader = objects().open_reader("bucket", "from");
    ASSERT_TRUE(reader);
    put("from", "another");  // the reader keeps what it opened
    const auto writer = objects().begin_part("bucket", "mp", *id, 1);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_bytes("head")));
    ASSERT_TRUE((*writer)->append_range(**reader, 12'345, 200'000));
    EXPECT_EQ(error_of((*writer)->append_range(**reader, 299'999, 2)), Errc::InvalidArgument);
    std::string back(10, ' ');
    ASSERT_TRUE((*writer)->read(4, {reinterpret_cast<std::byte*>(back.data()), back.size()}));
    EXPECT_EQ(back, bytes.substr(12'345, 10));
    ObjectMetadata metadata;
    metadata.etag = "e";
    ASSERT_TRUE((*writer)->commit(metadata, {}, kRelaxed));
  }
  ASSERT_TRUE(objects().complete_upload("bucket", "mp", *id, {{1, "e"}}, {}, {}, kRelaxed));
  const auto reader = objects().open_reader("bucket", "mp");
  std::string got((*reader)->info().size, ' ');
  ASSERT_TRUE((*reader)->read(0, {reinterpret_cast<std::byte*>(got.data()), got.size()}));
  EXPECT_EQ(got, "head" + bytes.substr(12'345, 200'000));
}

TEST_F(ObjectsUpdate, BytesThatWereSentIntoABucketDoNotLandInAnotherOfItsName) {
  auto writer = objects().begin_put("bucket", "key");
  ASSERT_TRUE(writer);
  ASSERT_TRUE(objects().remove_bucket("bucket", kRelaxed));
  ASSERT_TRUE(objects().create_bucket("bucket", kRelaxed, {{"owner", "another"}}));
  ASSERT_TRUE((*writer)->write(as_bytes("bytes")));
  EXPECT_EQ(error_of((*writer)->commit({}, {}, kRelaxed)), Errc::NotFound);
  EXPECT_EQ(error_of(objects().head("bucket", "key")), Errc::NotFound);
}

TEST_F(ObjectsUpdate, ConditionsMayNameSizeTimeAndAnETagThatMustNotBeThere) {
  const ObjectInfo info = put("key", "12345");
  WriteConditions size;
  size.if_size = 4;
  EXPECT_EQ(error_of(objects().remove("bucket", "key", size, kRelaxed)), Errc::Conflict);
  WriteConditions time;
  time.if_modified_unix_s = info.modified.seconds + 1;
  EXPECT_EQ(error_of(objects().remove("bucket", "key", time, kRelaxed)), Errc::Conflict);
  WriteConditions other;
  other.if_none_match = info.etag;
  EXPECT_EQ(error_of(objects().remove("bucket", "key", other, kRelaxed)), Errc::Conflict);
  WriteConditions all;
  all.if_size = 5;
  all.if_modified_unix_s = info.modified.seconds;
  all.if_none_match = "another";
  EXPECT_TRUE(objects().remove("bucket", "key", all, kRelaxed).value_or(false));
  EXPECT_EQ(error_of(objects().remove("bucket", "key", size, kRelaxed)), Errc::NotFound);
}

}  // namespace
}  // namespace coffer::test
