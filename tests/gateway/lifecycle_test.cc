/// Lifecycle rules: what is refused, what is kept, when an object goes; and passes over buckets without versions.

#include "gateway/s3/lifecycle.h"

#include <gtest/gtest.h>

#include "gateway/s3/lifecycle_runner.h"
#include "tests/gateway/memory_objects.h"

namespace coffer::gateway {
namespace {

constexpr std::int64_t kDay = LifecycleClock::kRealDay;

std::string rule(const std::string& inner) {
  return "<LifecycleConfiguration><Rule>" + inner + "</Rule></LifecycleConfiguration>";
}
std::string enabled(const std::string& inner) {
  return rule("<ID>r</ID><Status>Enabled</Status><Filter/>" + inner);
}

S3Code refused(const std::string& body) {
  const auto rules = parse_lifecycle(body);
  EXPECT_FALSE(rules) << body;
  return rules ? S3Code::InternalError : rules.error().code;
}

TEST(LifecycleRules, WhatAWSRefusesIsRefused) {
  const std::string days = "<Expiration><Days>1</Days></Expiration>";
  EXPECT_EQ(refused("<LifecycleConfiguration/>"), S3Code::MalformedXML);
  EXPECT_EQ(refused(rule("<Status>Enabled</Status>" + days)), S3Code::MalformedXML);
  EXPECT_EQ(refused(rule("<Status>enabled</Status><Prefix/>" + days)), S3Code::MalformedXML);
  EXPECT_EQ(refused(rule("<Status>Enabled</Status><Prefix/><Filter/>" + days)),
            S3Code::MalformedXML);
  EXPECT_EQ(refused(enabled("")), S3Code::InvalidRequest);
  EXPECT_EQ(refused(enabled("<Expiration><Days>0</Days></Expiration>")), S3Code::InvalidArgument);
  EXPECT_EQ(
      refused(enabled("<Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>")),
      S3Code::MalformedXML);
  EXPECT_EQ(refused(enabled("<Expiration><Date>2030-01-01T00:00:01Z</Date></Expiration>")),
            S3Code::InvalidArgument);
  EXPECT_EQ(refused(enabled("<Expiration><Date>2030</Date></Expiration>")), S3Code::MalformedXML);
  EXPECT_EQ(refused(enabled("<NoncurrentVersionExpiration/>")), S3Code::MalformedXML);
  EXPECT_EQ(refused(enabled(
                "<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>")),
            S3Code::NotImplemented);
  EXPECT_EQ(refused(enabled("<Transition><Date>2030-01-01T05:00:00Z</Date></Transition>")),
            S3Code::InvalidArgument);
  EXPECT_EQ(refused(rule("<ID>" + std::string(256, 'a') + "</ID><Status>Enabled</Status><Filter/>" +
                         days)),
            S3Code::InvalidArgument);
  const std::string one = "<Rule><ID>r</ID><Status>Enabled</Status><Filter/>" + days + "</Rule>";
  EXPECT_EQ(refused("<LifecycleConfiguration>" + one + one + "</LifecycleConfiguration>"),
            S3Code::InvalidArgument);
  EXPECT_EQ(refused(rule(
                "<Status>Enabled</Status><Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>"
                "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                "</AbortIncompleteMultipartUpload>")),
            S3Code::InvalidRequest);
}

TEST(LifecycleRules, WhatWasSetIsShownAgain) {
  const std::string body = rule(
      "<ID>a</ID><Filter><And><Prefix>p/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
      "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></"
      "And></Filter>"
      "<Status>Disabled</Status><Expiration><Days>3</Days></Expiration>"
      "<NoncurrentVersionExpiration><NoncurrentDays>4</NoncurrentDays>"
      "<NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>");
  const auto rules = parse_lifecycle(body);
  ASSERT_TRUE(rules);
  XmlWriter xml;
  write_lifecycle(*rules, xml);
  const std::string shown = std::move(xml).text();
  EXPECT_NE(shown.find(body.substr(body.find("<Rule>"))), std::string::npos) << shown;
  XmlWriter again;
  write_lifecycle(*parse_lifecycle(shown), again);
  EXPECT_EQ(std::move(again).text(), shown);
  EXPECT_FALSE(parse_lifecycle(rule("<Status>Enabled</Status><Prefix>x</Prefix>"
                                    "<Expiration><Days>1</Days></Expiration>"))
                   ->front()
                   .id.empty());
}

TEST(LifecycleRules, AnObjectGoesAtTheMidnightBehindItsDays) {
  const auto rules =
      parse_lifecycle(rule("<Status>Enabled</Status><Filter><And><Prefix>p/</Prefix><Tag><Key>k</"
                           "Key><Value>v</Value></Tag>"
                           "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And></"
                           "Filter><Expiration><Days>2</Days></Expiration>"));
  ASSERT_TRUE(rules);
  ObjectInfo object;
  object.key = "p/x";
  object.size = 6;
  object.modified.seconds = 10 * kDay + 1;
  object.metadata.tags = {{"k", "v"}, {"more", ""}};
  EXPECT_EQ(expires_at(rules->front(), object, {}), 13 * kDay);
  object.modified.seconds = 10 * kDay;
  EXPECT_EQ(expires_at(rules->front(), object, {}), 12 * kDay);
  EXPECT_EQ(expires_at(rules->front(), object, LifecycleClock{10}), 10 * kDay + 20);
  object.size = 5;
  EXPECT_FALSE(expires_at(rules->front(), object, {}));
  object.size = 6;
  object.metadata.tags["k"] = "w";
  EXPECT_FALSE(expires_at(rules->front(), object, {}));
}

class LifecyclePass : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(objects.create_bucket("bucket", Durability::Relaxed, {})); }
  void set(const std::string& body) {
    ASSERT_TRUE(
        objects.set_bucket_setting("bucket", setting::kLifecycle, body, Durability::Relaxed));
  }
  void put(std::string_view key) {
    auto writer = objects.begin_put("bucket", key);
    ASSERT_TRUE(writer);
    ObjectMetadata metadata;
    metadata.etag = "e";
    ASSERT_TRUE((*writer)->commit(metadata, {}, Durability::Relaxed));
  }
  std::string keys() {
    std::string all;
    const ListPage page = objects.list("bucket", {}).value();
    for (const ObjectInfo& info : page.objects) all += info.key + " ";
    return all;
  }
  std::int64_t in_days(std::int64_t days) { return wall_now().seconds + days * kDay; }

  MemoryObjects objects;
  MemoryAccessKeys access_keys;
  S3Service service{objects, access_keys, "us-east-1", {}, "owner", Durability::Relaxed, {}, {}};
  LifecycleRunner runner{service};
};

TEST_F(LifecyclePass, TakesWhatIsDueAndNothingElse) {
  service.durability = Durability::Relaxed;
  put("a/1");
  put("a/2");
  put("b");
  set(
      rule("<ID>r</ID><Status>Enabled</Status><Prefix>a/</Prefix><Expiration><Days>3</Days></"
           "Expiration>"));
  runner.run_once(in_days(2));
  EXPECT_EQ(keys(), "a/1 a/2 b ");
  runner.run_once(in_days(5));
  EXPECT_EQ(keys(), "b ");
  set(rule("<ID>r</ID><Status>Disabled</Status><Prefix/><Expiration><Days>3</Days></Expiration>"));
  runner.run_once(in_days(9));
  EXPECT_EQ(keys(), "b ");
}

TEST_F(LifecyclePass, AbortsUploadsThatNobodyCompletes) {
  service.durability = Durability::Relaxed;
  ASSERT_TRUE(objects.create_upload("bucket", "a/x", {}));
  ASSERT_TRUE(objects.create_upload("bucket", "b/x", {}));
  set(
      rule("<ID>r</ID><Status>Enabled</Status><Prefix>a/</Prefix><AbortIncompleteMultipartUpload>"
           "<DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>"));
  runner.run_once(in_days(1));
  EXPECT_EQ(objects.uploads("bucket", {}, {}, {}, {}, 10).value().uploads.size(), 2U);
  runner.run_once(in_days(4));
  const auto left = objects.uploads("bucket", {}, {}, {}, {}, 10).value().uploads;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].key, "b/x");
}

}  // namespace
}  // namespace coffer::gateway
