// Between the head of a request and the end of its body the bucket may have gone, come, or become another's.
#include "gateway/auth/access.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kTags =
    "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
constexpr std::string_view kAcl =
    "<AccessControlPolicy><Owner><ID>bob</ID></Owner><AccessControlList><Grant><Grantee><ID>bob</"
    "ID>"
    "</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></"
    "AccessControlPolicy>";
constexpr std::string_view kDelete = "<Delete><Object><Key>secret</Key></Object></Delete>";

class ChangedBucket : public TwoOwners {
 protected:
  void SetUp() override {
    TwoOwners::SetUp();
    ASSERT_TRUE(objects_.create_bucket("swap", Durability::Synced, {{setting::kOwner, "bob"}}));
    put("swap", "secret", "Bob's");
  }
  /// From now on it is Alice's.
  void swap() {
    ASSERT_TRUE(objects_.remove("swap", "secret", {}, Durability::Synced));
    ASSERT_TRUE(objects_.remove_bucket("swap", Durability::Synced));
    ASSERT_TRUE(objects_.create_bucket("swap", Durability::Synced, {}));
    put("swap", "secret", "Alice's");
  }
  static int end(RawClient& client, std::string_view body) {
    client.send(body);
    return client.receive().status;
  }
};

TEST_F(ChangedBucket, WhoWasLetInAtTheHeadIsAskedAgainWithTheBody) {
  const std::string policy =
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::swap/*"}})";
  const auto set_policy = head_of(kBob, "PUT", "/swap?policy", policy.size(), 100);
  const auto set_acl = head_of(kBob, "PUT", "/swap?acl", kAcl.size(), 100);
  const auto remove = head_of(kBob, "POST", "/swap?delete", kDelete.size(), 100);
  const auto tag = head_of(kBob, "PUT", "/swap/secret?tagging", kTags.size(), 100);
  const auto object_acl = head_of(kBob, "PUT", "/swap/secret?acl", kAcl.size(), 100);
  swap();
  EXPECT_EQ(end(*set_policy, policy), 403);
  EXPECT_EQ(end(*set_acl, kAcl), 403);
  end(*remove, kDelete);
  EXPECT_EQ(end(*tag, kTags), 403);
  EXPECT_EQ(end(*object_acl, kAcl), 403);
  EXPECT_TRUE(objects_.bucket("swap")->settings->empty());
  const auto secret = objects_.head("swap", "secret");
  ASSERT_TRUE(secret);
  EXPECT_TRUE(secret->metadata.tags.empty());
  EXPECT_TRUE(secret->metadata.properties.empty());
}

TEST_F(ChangedBucket, APolicyThatCameMeanwhileHolds) {
  const auto tag = head_of(kBob, "PUT", "/swap/secret?tagging", kTags.size(), 100);
  set("swap", setting::kPolicy,
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::swap/*"}})");
  EXPECT_EQ(end(*tag, kTags), 403);
  EXPECT_TRUE(objects_.head("swap", "secret")->metadata.tags.empty());
}

TEST_F(ChangedBucket, WithoutABucketNobodyIsLetIn) {
  for (const std::string_view target : {"/later/k?tagging", "/later/k?acl", "/later?policy"}) {
    const auto early = head_of(kBob, "PUT", target, 10, 404);
    EXPECT_EQ(as(kBob, "GET", target).status, 404) << target;
  }
  head_of(kBob, "POST", "/later?delete", 10, 404);
  head_of(kBob, "POST", "/later/k?uploadId=u", 10, 404);
  EXPECT_EQ(as(kBob, "PUT", "/later/k", {}, "x").status, 404);
  EXPECT_EQ(as(kBob, "DELETE", "/later/k").status, 404);
  EXPECT_EQ(nobody("GET", "/later/k").status, 403);
  EXPECT_EQ(as(kBob, "PUT", "/later").status, 200);
  EXPECT_EQ(as(kBob, "PUT", "/later/k", {}, "x").status, 200);
}

TEST_F(ChangedBucket, ABucketThatGoesMeanwhileIsMissed) {
  const auto acl = head_of(kBob, "PUT", "/swap/secret?acl", kAcl.size(), 100);
  const auto remove = head_of(kBob, "POST", "/swap?delete", kDelete.size(), 100);
  ASSERT_TRUE(objects_.remove("swap", "secret", {}, Durability::Synced));
  ASSERT_TRUE(objects_.remove_bucket("swap", Durability::Synced));
  EXPECT_EQ(end(*acl, kAcl), 404);
  EXPECT_EQ(end(*remove, kDelete), 404);
}

}  // namespace
}  // namespace coffer::gateway
