// Versioned buckets: what S3 puts, removes and lists, and what the mount shows of it.

#include <gtest/gtest.h>

#include "tests/vault/tree/versions_fixture.h"

namespace coffer::test {
namespace {

using ObjectVersions = VersionsTest;

TEST_F(ObjectVersions, APutKeepsWhatStoodThere) {
  enable();
  const ObjectInfo first = put("a/b", "one");
  const ObjectInfo second = put("a/b", "two");
  EXPECT_NE(first.version, second.version);
  EXPECT_EQ(get("a/b"), "two");
  EXPECT_EQ(get("a/b", first.version), "one");
  EXPECT_EQ(get("a/b", second.version), "two");
  EXPECT_EQ(get("a/b", "null"), "error NotFound");
  EXPECT_EQ(get("a/b", "nothing"), "error InvalidArgument");
  const ObjectInfo old = objects().head("bucket", "a/b", first.version).value();
  EXPECT_EQ(old.etag, first.etag);
  EXPECT_EQ(old.modified.seconds, first.modified.seconds);
  EXPECT_EQ(listed(), "a/b " + second.version + " latest\na/b " + first.version + "\n");
  world.reopen();
  EXPECT_EQ(get("a/b", first.version), "one");
  EXPECT_EQ(get("a/b"), "two");
  expect_consistent();
}

TEST_F(ObjectVersions, WhatWasThereBeforeIsTheVersionNull) {
  const ObjectInfo before = put("k", "old");
  EXPECT_EQ(before.version, "null");
  enable();
  EXPECT_EQ(get("k", "null"), "old");
  const ObjectInfo now = put("k", "new");
  EXPECT_EQ(get("k", "null"), "old");
  EXPECT_EQ(listed(), "k " + now.version + " latest\nk null\n");
  expect_consistent();
}

TEST_F(ObjectVersions, ADeleteLeavesAMarkerAndTheVersions) {
  enable();
  const std::string first = put("a/b/c", "one").version;
  const Removed removed = remove("a/b/c").value();
  EXPECT_TRUE(removed.marker);
  EXPECT_EQ(get("a/b/c"), "error NotFound");
  EXPECT_EQ(get("a/b/c", first), "one");
  EXPECT_EQ(get("a/b/c", removed.version), "error NotFound");
  EXPECT_EQ(objects().delete_marker("bucket", "a/b/c", {}).value()->version, removed.version);
  EXPECT_TRUE(objects().delete_marker("bucket", "a/b/c", removed.version).value().has_value());
  EXPECT_FALSE(objects().delete_marker("bucket", "a/b/c", first).value().has_value());
  EXPECT_TRUE(names_in(bucket_id()).empty()) << "the directories were there for the key alone";
  EXPECT_EQ(error_of(objects().remove_bucket("bucket", kRelaxed)), Errc::NotEmpty);
  EXPECT_EQ(error_of(world.tree().remove_directory(kRootInode, "bucket")), Errc::NotEmpty);
  expect_consistent();
  world.reopen();
  EXPECT_EQ(get("a/b/c", first), "one");
  // Without the marker the object is there again, its directories too.
  const Removed undone = remove("a/b/c", removed.version).value();
  EXPECT_TRUE(undone.marker);
  EXPECT_EQ(get("a/b/c"), "one");
  EXPECT_EQ(listed(), "a/b/c " + first + " latest\n");
  expect_consistent();
}

TEST_F(ObjectVersions, ADeleteOfTheCurrentVersionUncoversTheOneBefore) {
  enable();
  const std::string one = put("k", "1").version, two = put("k", "2").version,
                    three = put("k", "3").version;
  EXPECT_TRUE(remove("k", three).value().was_there);
  EXPECT_EQ(get("k"), "2");
  EXPECT_EQ(objects().head("bucket", "k").value().version, two);
  EXPECT_TRUE(remove("k", one).value().was_there);
  EXPECT_EQ(get("k"), "2");
  EXPECT_EQ(get("k", one), "error NotFound");
  EXPECT_FALSE(remove("k", one).value().was_there) << "it is gone already";
  EXPECT_TRUE(remove("k", two).value().was_there);
  EXPECT_EQ(listed(), "");
  EXPECT_TRUE(objects().remove_bucket("bucket", kRelaxed));
  expect_consistent();
}

TEST_F(ObjectVersions, MarkersStackAndAKeyThatNeverWasGetsOne) {
  enable();
  const std::string never = remove("never/was").value().version;
  const std::string again = remove("never/was").value().version;
  EXPECT_EQ(listed(), "never/was " + again + " latest marker\nnever/was " + never + " marker\n");
  EXPECT_TRUE(remove("never/was", never).value().marker);
  EXPECT_TRUE(remove("never/was", again).value().marker);
  EXPECT_EQ(listed(), "");
  expect_consistent();
}

TEST_F(ObjectVersions, SuspendedThereIsOneNullVersion) {
  enable();
  const std::string kept = put("k", "kept").version;
  suspend();
  EXPECT_EQ(put("k", "null 1").version, "null");
  EXPECT_EQ(put("k", "null 2").version, "null");
  EXPECT_EQ(listed(), "k null latest\nk " + kept + "\n");
  EXPECT_EQ(get("k", "null"), "null 2");
  enable();
  const std::string newer = put("k", "newer").version;
  suspend();
  EXPECT_EQ(get("k", "null"), "null 2");
  const Removed removed = remove("k").value();
  EXPECT_EQ(removed.version, "null");
  EXPECT_EQ(listed(), "k null latest marker\nk " + newer + "\nk " + kept + "\n");
  EXPECT_EQ(put("k", "null 3").version, "null");
  EXPECT_EQ(listed(), "k null latest\nk " + newer + "\nk " + kept + "\n");
  expect_consistent();
}

TEST_F(ObjectVersions, ADirectoryThatIsAnObjectHasVersionsToo) {
  enable();
  const std::string empty = put("d/", "").version;
  const std::string full = put("d/", "bytes").version;
  put("d/inside", "x");
  const std::string third = put("d/", "other").version;
  EXPECT_EQ(get("d/", empty), "");
  EXPECT_EQ(get("d/", full), "bytes");
  EXPECT_EQ(get("d/"), "other");
  EXPECT_TRUE(remove("d/", third).value().was_there);
  EXPECT_EQ(get("d/"), "bytes");
  EXPECT_TRUE(remove("d/", full).value().was_there);
  EXPECT_EQ(get("d/"), "");
  const std::string marker = remove("d/").value().version;
  EXPECT_EQ(get("d/"), "error NotFound");
  EXPECT_EQ(get("d/inside"), "x");
  EXPECT_TRUE(remove("d/", marker).value().marker);
  EXPECT_EQ(objects().head("bucket", "d/").value().version, empty);
  expect_consistent();
}

TEST_F(ObjectVersions, ConditionsAreAboutTheCurrentVersionOrTheOneNamed) {
  enable();
  ObjectMetadata metadata;
  metadata.etag = "e1";
  const std::string one = put("k", "1", metadata).version;
  metadata.etag = "e2";
  put("k", "2", metadata);
  WriteConditions match;
  match.if_match = "e1";
  EXPECT_EQ(error_of(objects().remove({"bucket", "k", {}, match}, kRelaxed)), Errc::Conflict);
  EXPECT_TRUE(objects().remove({"bucket", "k", one, match}, kRelaxed));
  remove("k").value();
  WriteConditions absent;
  absent.if_none_match_any = true;
  EXPECT_TRUE(put_if("k", "3", absent)) << "a marker stands for nothing";
  EXPECT_EQ(error_of(put_if("k", "4", absent)), Errc::Conflict);
  expect_consistent();
}

TEST_F(ObjectVersions, ACopyOfAVersionAndTagsOfOne) {
  enable();
  const ObjectInfo one = put("k", "first");
  put("k", "second");
  ASSERT_TRUE(objects().copy({"bucket", "k", "bucket", "copy", one.version}, kRelaxed));
  EXPECT_EQ(get("copy"), "first");
  ObjectUpdate update{one.inode};
  update.version = one.version;
  update.tags = std::map<std::string, std::string>{{"t", "1"}};
  ASSERT_TRUE(objects().update("bucket", "k", update, kRelaxed));
  EXPECT_EQ(objects().head("bucket", "k", one.version).value().metadata.tags.size(), 1U);
  EXPECT_TRUE(objects().head("bucket", "k").value().metadata.tags.empty());
  expect_consistent();
}

TEST_F(ObjectVersions, ListsByPagesPrefixesAndMarkers) {
  enable();
  std::string all;
  for (const char* key : {"a", "b/x", "b/y", "c"}) {
    const std::string old = put(key, "1").version, now = put(key, "2").version;
    all += std::string(key) + " " + now + " latest\n" + key + " " + old + "\n";
  }
  EXPECT_EQ(listed(), all);
  for (const std::uint32_t size : {1U, 2U, 3U, 7U, 8U})
    EXPECT_EQ(listed({}, {}, size), all) << size;
  EXPECT_EQ(listed("b/"), all.substr(all.find("b/x"), all.find("c ") - all.find("b/x")));
  for (const std::uint32_t size : {1U, 2U, 9U}) {
    EXPECT_EQ(listed({}, "/", size),
              all.substr(0, all.find("b/x")) + "b/\n" + all.substr(all.find("c ")))
        << size;
  }
}

}  // namespace
}  // namespace coffer::test
