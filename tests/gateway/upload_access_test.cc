// Whose a multipart upload is.
#include "gateway/auth/access.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kWriters =
    "WRITE id bob\nREAD id bob\nWRITE group http://acs.amazonaws.com/groups/global/AllUsers\n";

class UploadAccess : public TwoOwners {
 protected:
  void SetUp() override {
    TwoOwners::SetUp();
    set("bucket", setting::kAcl, std::string(kWriters));
  }
  std::string create(const TestKey& key, Fields fields = {}) {
    const RawReply reply = as(key, "POST", "/bucket/k?uploads", std::move(fields));
    EXPECT_EQ(reply.status, 200) << reply.body;
    const std::size_t at = reply.body.find("<UploadId>") + 10;
    return "/bucket/k?uploadId=" + reply.body.substr(at, reply.body.find("</UploadId>") - at);
  }
  static std::string complete_body(const std::string& etag) {
    return "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etag +
           "</ETag></Part></CompleteMultipartUpload>";
  }
  void expect_all(const TestKey& key, const std::string& at, int status) {
    const RawReply part = as(key, "PUT", at + "&partNumber=1", {}, "part");
    EXPECT_EQ(part.status, status);
    put("bucket", "source", "x");
    EXPECT_EQ(as(key, "GET", at).status, status);
    if (status != 200) {
      EXPECT_EQ(as(key, "POST", at, {}, complete_body("e")).status, status);
      EXPECT_EQ(as(key, "DELETE", at).status, status);
      return;
    }
    EXPECT_EQ(as(key, "POST", at, {}, complete_body(part.field("etag"))).status, 200);
  }
};

TEST_F(UploadAccess, WhoMayWriteByAnAclDoesNothingWithAnothersUpload) {
  const std::string alices = create(kAlice);
  expect_all(kBob, alices, 403);
  EXPECT_EQ(nobody("GET", alices).status, 403);
  EXPECT_EQ(nobody("DELETE", alices).status, 403);
  EXPECT_EQ(nobody("PUT", alices + "&partNumber=1", {}, "x").status, 403);
  expect_all(kAlice, alices, 200);
}

TEST_F(UploadAccess, AnUploadIsItsInitiatorsAndTheBucketOwners) {
  expect_all(kBob, create(kBob), 200);
  const std::string at = create(kBob);
  EXPECT_EQ(as(kAlice, "GET", at).status, 200);
  EXPECT_EQ(as(kAlice, "DELETE", at).status, 204);
  EXPECT_EQ(as(kBob, "GET", at).status, 404);
}

TEST_F(UploadAccess, WhoGivesTheObjectAwayStaysTheInitiator) {
  set("bucket", setting::kOwnership, "BucketOwnerPreferred");
  const std::string at = create(kBob, {{"x-amz-acl", "bucket-owner-full-control"}});
  const RawReply list = as(kBob, "GET", at);
  EXPECT_EQ(list.status, 200);
  EXPECT_NE(list.body.find("<Initiator><ID>bob</ID>"), std::string::npos);
  EXPECT_NE(list.body.find("<Owner><ID>owner</ID>"), std::string::npos);
  EXPECT_NE(as(kAlice, "GET", "/bucket?uploads").body.find("<Initiator><ID>bob</ID>"),
            std::string::npos);
  expect_all(kBob, at, 200);
  EXPECT_TRUE(objects_.head("bucket", "k")->metadata.properties.empty()) << "of the upload alone";
}

TEST_F(UploadAccess, APolicyOpensUploads) {
  const std::string at = create(kAlice);
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::bob:root"},"Action":)"
      R"(["s3:PutObject","s3:ListMultipartUploadParts"],"Resource":"arn:aws:s3:::bucket/*"}})");
  EXPECT_EQ(as(kBob, "DELETE", at).status, 403);
  expect_all(kBob, at, 200);
}

TEST_F(UploadAccess, WhoMayNoLongerWriteGoesOnWithNothing) {
  const std::string at = create(kBob);
  set("bucket", setting::kAcl, "FULL_CONTROL id owner\n");
  EXPECT_EQ(as(kBob, "PUT", at + "&partNumber=1", {}, "part").status, 403);
  EXPECT_EQ(as(kBob, "DELETE", at).status, 204) << "but may clear up";
}

}  // namespace
}  // namespace coffer::gateway
