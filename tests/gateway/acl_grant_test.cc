// Who may put objects may not open them to others for that.
#include "gateway/auth/access.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

class AclGrant : public TwoOwners {
 protected:
  void allow(std::string_view actions) {
    set("bucket", setting::kPolicy,
        R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::bob:root"},"Action":[)" +
            std::string(actions) + R"(],"Resource":"arn:aws:s3:::bucket/*"}})");
  }
  int put_with(Fields fields) {
    return as(kBob, "PUT", "/bucket/k", std::move(fields), "x").status;
  }
};

TEST_F(AclGrant, AnAclAtAPutAsksForThePermissionToSetOne) {
  put("bucket", "source", "x");
  allow(R"("s3:PutObject","s3:GetObject")");
  EXPECT_EQ(put_with({}), 200);
  EXPECT_EQ(put_with({{"x-amz-acl", "private"}}), 200);
  EXPECT_EQ(put_with({{"x-amz-acl", "bucket-owner-full-control"}}), 200);
  EXPECT_EQ(put_with({{"x-amz-grant-full-control", "id=owner"}}), 200);
  EXPECT_EQ(put_with({{"x-amz-acl", "public-read"}}), 403);
  EXPECT_EQ(put_with({{"x-amz-acl", "authenticated-read"}}), 403);
  EXPECT_EQ(put_with({{"x-amz-copy-source", "bucket/source"}, {"x-amz-acl", "public-read"}}), 403);
  EXPECT_EQ(as(kBob, "POST", "/bucket/k?uploads", {{"x-amz-acl", "public-read"}}).status, 403);
  allow(R"("s3:PutObject","s3:PutObjectAcl")");
  EXPECT_EQ(put_with({{"x-amz-acl", "public-read"}}), 200);
  EXPECT_EQ(as(kBob, "POST", "/bucket/k?uploads", {{"x-amz-acl", "public-read"}}).status, 200);
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {{"x-amz-acl", "public-read"}}, "x").status, 200);
}

TEST_F(AclGrant, WhoMayWriteByTheBucketsAclMayOpenWhatIsHis) {
  set("bucket", setting::kAcl, "WRITE id bob\n");
  EXPECT_EQ(put_with({{"x-amz-acl", "public-read"}}), 200);
}

TEST_F(AclGrant, AFormAsksForItToo) {
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"}})");
  const auto post = [&](const Fields& fields) {
    return nobody("POST", "/bucket", {kFormType}, form_body(fields, "x")).status;
  };
  EXPECT_EQ(post({{"key", "k"}}), 204);
  EXPECT_EQ(post({{"key", "k"}, {"acl", "public-read"}}), 403);
}

}  // namespace
}  // namespace coffer::gateway
