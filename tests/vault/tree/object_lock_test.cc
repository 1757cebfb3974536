// Object lock: a locked version is removed and changed by nobody, at both doors.

#include "coffer/vault/object_lock.h"

#include <gtest/gtest.h>

#include "tests/vault/tree/versions_fixture.h"

namespace coffer::test {
namespace {

constexpr std::int64_t kDay = 86'400;

TEST(ObjectLockText, SaysWhatItWasMadeOf) {
  const Retention retention{Retention::Mode::Compliance, 1'900'000'000};
  EXPECT_EQ(encode_retention(retention), "COMPLIANCE 1900000000");
  EXPECT_EQ(decode_retention(encode_retention(retention)), retention);
  for (const char* bad : {"", "COMPLIANCE", "COMPLIANCE x", "compliance 5", "GOVERNANCE 5 "})
    EXPECT_FALSE(decode_retention(bad)) << bad;
  EXPECT_EQ(encode_object_lock(std::nullopt), "Enabled");
  EXPECT_FALSE(default_retention("Enabled"));
  const auto years = default_retention("Enabled GOVERNANCE 2 years");
  ASSERT_TRUE(years);
  EXPECT_EQ(years->from(0).until_unix_s, 730 * kDay);
  EXPECT_EQ(encode_object_lock(years), "Enabled GOVERNANCE 2 years");
}

TEST(ObjectLockText, WhatCannotBeReadLocks) {
  EXPECT_FALSE(is_locked({}, 0, Governance::Holds));
  EXPECT_TRUE(is_locked({{kRetentionProperty, "?"}}, 0, Governance::Bypassed));
  EXPECT_TRUE(is_locked({{kLegalHoldProperty, "ON"}}, 0, Governance::Bypassed));
  EXPECT_FALSE(is_locked({{kLegalHoldProperty, "OFF"}}, 0, Governance::Holds));
  const LockProperties governed{{kRetentionProperty, "GOVERNANCE 10"}};
  EXPECT_TRUE(is_locked(governed, 9, Governance::Holds));
  EXPECT_FALSE(is_locked(governed, 9, Governance::Bypassed));
  EXPECT_FALSE(is_locked(governed, 10, Governance::Holds));
  EXPECT_TRUE(is_locked({{kRetentionProperty, "COMPLIANCE 10"}}, 9, Governance::Bypassed));
}

class ObjectLocks : public VersionsTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(objects().create_bucket(
        "bucket", kRelaxed, {{kVersioningSetting, "Enabled"}, {kObjectLockSetting, "Enabled"}}));
  }
  ObjectInfo put_locked(std::string_view key, Retention::Mode mode, std::int64_t seconds) {
    ObjectMetadata metadata;
    metadata.properties[kRetentionProperty] =
        encode_retention({mode, wall_now().seconds + seconds});
    return put(key, "locked", std::move(metadata));
  }
  Errc removing(std::string_view key, std::string_view version, bool bypass = false) {
    RemoveRequest request{"bucket", key, version};
    request.bypass_governance = bypass;
    return error_of(objects().remove(request, kRelaxed));
  }
  InodeId at(std::string_view name) { return tree().lookup(bucket_id(), name).value().inode; }
};

TEST_F(ObjectLocks, AVersionStaysUntilItsTimeAndWhileItIsHeld) {
  const std::string governed = put_locked("k", Retention::Mode::Governance, kDay).version;
  const std::string kept = put_locked("k", Retention::Mode::Compliance, kDay).version;
  const ObjectInfo over = put_locked("k", Retention::Mode::Compliance, -1);
  EXPECT_EQ(removing("k", governed), Errc::Permission);
  EXPECT_EQ(removing("k", kept, true), Errc::Permission);
  EXPECT_EQ(removing("k", over.version), Errc{-1});
  EXPECT_EQ(removing("k", kept), Errc::Permission) << "current again, and locked all the same";
  EXPECT_EQ(removing("k", {}), Errc{-1}) << "a marker hides it, no more";
  EXPECT_EQ(removing("k", governed, true), Errc{-1});
  world.reopen();
  EXPECT_EQ(removing("k", kept), Errc::Permission);
  EXPECT_EQ(get("k", kept), "locked");

  const ObjectInfo held = put("h", "x");
  ObjectUpdate hold{held.inode};
  hold.version = held.version;
  hold.expected_properties = held.metadata.properties;
  hold.properties = std::map<std::string, std::string>{{kLegalHoldProperty, "ON"}};
  ASSERT_TRUE(objects().update("bucket", "h", hold, kRelaxed));
  EXPECT_EQ(removing("h", held.version, true), Errc::Permission);
  EXPECT_EQ(error_of(objects().update("bucket", "h", hold, kRelaxed)), Errc::Conflict)
      << "what was looked at is not what is there";
  hold.expected_properties = hold.properties;
  hold.properties = std::map<std::string, std::string>{{kLegalHoldProperty, "OFF"}};
  ASSERT_TRUE(objects().update("bucket", "h", hold, kRelaxed));
  EXPECT_EQ(removing("h", held.version), Errc{-1});
  const std::string directory = put_locked("d/", Retention::Mode::Compliance, kDay).version;
  EXPECT_EQ(removing("d/", directory), Errc::Permission);
  EXPECT_EQ(error_of(tree().remove_directory(bucket_id(), "d")), Errc::Permission);
  expect_consistent();
}

TEST_F(ObjectLocks, TheMountIsBoundToo) {
  put_locked("k", Retention::Mode::Governance, kDay);
  const InodeId file = at("k");
  EXPECT_TRUE(tree().attributes(file).value().protection.immutable) << "open(2) for writing: EPERM";
  EXPECT_EQ(error_of(tree().write(file, 0, as_bytes(std::string_view("x")))), Errc::Permission);
  EXPECT_EQ(error_of(tree().write(file, 0, as_bytes(std::string(100'000, 'x')))), Errc::Permission);
  SetAttributes shorter;
  shorter.size = 0;
  EXPECT_EQ(error_of(tree().set_attributes(file, shorter)), Errc::Permission);
  EXPECT_EQ(error_of(tree().unlink(bucket_id(), "k")), Errc::Permission);
  EXPECT_EQ(get("k"), "locked");
  SetAttributes mode;
  mode.permissions = 0600;
  EXPECT_TRUE(tree().set_attributes(file, mode)) << "no part of the version";

  const std::string over = put_locked("o", Retention::Mode::Compliance, -1).version;
  const InodeId free = at("o");
  EXPECT_FALSE(tree().attributes(free).value().protection.immutable);
  ASSERT_TRUE(tree().write(free, 0, as_bytes(std::string_view("F"))));
  ASSERT_TRUE(tree().commit_file(free));
  const ObjectInfo next = objects().head("bucket", "o").value();
  EXPECT_NE(next.version, over);
  EXPECT_FALSE(mentions_lock(next.metadata.properties)) << "the lock was the version's before";
  EXPECT_TRUE(mentions_lock(objects().head("bucket", "o", over).value().metadata.properties));
  expect_consistent();
}

TEST_F(ObjectLocks, WhatTheMountClosesGetsTheBucketsDefault) {
  ASSERT_TRUE(objects().set_bucket_setting("bucket", kObjectLockSetting,
                                           "Enabled COMPLIANCE 1 days", kRelaxed));
  world.reopen();
  NewNode node;
  const InodeId file = tree().make_node(bucket_id(), "f", node).value().inode;
  ASSERT_TRUE(tree().write(file, 0, as_bytes(std::string_view("bytes"))));
  ASSERT_TRUE(tree().commit_file(file));
  const ObjectInfo info = objects().head("bucket", "f").value();
  const auto retention = decode_retention(info.metadata.properties.at(kRetentionProperty));
  ASSERT_TRUE(retention);
  EXPECT_NEAR(static_cast<double>(retention->until_unix_s - wall_now().seconds), kDay, 60);
  EXPECT_EQ(removing("f", info.version, true), Errc::Permission);
  EXPECT_EQ(error_of(tree().write(file, 0, as_bytes(std::string_view("x")))), Errc::Permission);
  EXPECT_EQ(get("f"), "bytes");
  expect_consistent();
}

}  // namespace
}  // namespace coffer::test
