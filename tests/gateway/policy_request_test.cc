// The values that conditions compare with are those of the request as it was verified.
#include "gateway/auth/access.h"
#include "gateway/auth/digest.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kTagging =
    "<Tagging><TagSet><Tag><Key>level</Key><Value>secret</Value></Tag></TagSet></Tagging>";

class PolicyRequest : public TwoOwners {
 protected:
  /// Bob may do everything in `bucket`, but not what is denied where the condition holds.
  void deny(std::string_view action, std::string_view condition) {
    const std::string head = R"({"Statement":[{"Effect":"Allow","Principal":{"AWS":")" + bob_ +
                             R"("},"Action":"s3:*","Resource":"arn:aws:s3:::bucket/*"},)";
    set("bucket", setting::kPolicy,
        head + R"({"Effect":"Deny","Principal":"*","Action":")" + std::string(action) +
            R"(","Resource":"arn:aws:s3:::bucket/*","Condition":)" + std::string(condition) +
            "}]}");
  }
  std::string bob_ = "arn:aws:iam::bob:root";
};

TEST_F(PolicyRequest, TagsInABodyAreTagsOfTheRequest) {
  put("bucket", "k", "x");
  deny("s3:PutObjectTagging", R"({"StringEquals":{"s3:RequestObjectTag/level":"secret"}})");
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k?tagging", {}, kTagging).status, 403);
  deny("s3:PutObjectTagging",
       R"({"ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":"level"}})");
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k?tagging", {}, kTagging).status, 403);
  deny("s3:PutObjectTagging", R"({"StringEquals":{"s3:RequestObjectTag/level":"other"}})");
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k?tagging", {}, kTagging).status, 200);
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k?tagging", {}, "<Tagging/>").status, 400);
  EXPECT_EQ(as({"UNKNOWN", "x"}, "PUT", "/bucket/k?tagging", {}, "<Tagging/>").status, 403);
}

TEST_F(PolicyRequest, AFormIsSignedAsAForm) {
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*",)"
      R"("Condition":{"StringEquals":{"s3:authType":"POST","s3:signatureversion":"AWS"}}}})");
  const std::string policy = to_base64(as_bytes(std::string_view(
      R"({"expiration":"2090-01-01T00:00:00Z","conditions":[{"bucket":"bucket"},["starts-with","$key",""]]})")));
  const Fields fields{
      {"key", "k"},
      {"policy", policy},
      {"awsaccesskeyid", std::string(kAlice.id)},
      {"signature", to_base64(as_bytes(hmac_sha1(std::string(kAlice.secret), policy)))}};
  const auto post = [&] {
    return nobody("POST", "/bucket", {kFormType}, form_body(fields, "x")).status;
  };
  EXPECT_EQ(post(), 403);
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {}, "x").status, 200);
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*",)"
      R"("Condition":{"StringEquals":{"s3:authType":"REST-HEADER"}}}})");
  EXPECT_EQ(post(), 204);
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {}, "x").status, 403);
}

TEST_F(PolicyRequest, TheHashOfABodyIsTheOneThatWasVerified) {
  set("bucket", setting::kPolicy,
      R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*"},)"
      R"({"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*",)"
      R"("Condition":{"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}}}]})");
  EXPECT_EQ(nobody("PUT", "/bucket/k", {}, "x").status, 403)
      << "without a header it is unsigned too";
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k", {}, "x").status, 403);
  auto client = connect();
  Digest sha(Digest::Kind::Sha256);
  sha.update(std::string_view("x"));
  client->send(sign("PUT", "/bucket/k", {{"content-length", "1"}}, to_hex(sha.finish()), kBob) +
               "x");
  EXPECT_EQ(client->receive().status, 200);
}

TEST_F(PolicyRequest, ACopysSourceIsComparedDecoded) {
  put("bucket", "private/s", "x");
  deny("s3:PutObject", R"({"StringLike":{"s3:x-amz-copy-source":"bucket/private/*"}})");
  for (const char* source : {"bucket/private/s", "/bucket/private/s", "bucket%2Fprivate%2Fs",
                             "/bucket/%70rivate/s?versionId=null"})
    EXPECT_EQ(as(kBob, "PUT", "/bucket/k", {{"x-amz-copy-source", source}}).status, 403) << source;
  put("bucket", "public/s", "x");
  EXPECT_EQ(as(kBob, "PUT", "/bucket/k", {{"x-amz-copy-source", "bucket/public/s"}}).status, 200);
}

TEST_F(PolicyRequest, AnOwnerOfATenantHasTheArnThatPrincipalsName) {
  const TestKey tenant{"TENANTKEY00000000000", "the tenant's secret"};
  add_key(tenant, "T", "tenant$user");
  bob_ = "arn:aws:iam::tenant:user/user";
  deny("s3:PutObject", R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::other:root"}})");
  EXPECT_EQ(as(tenant, "PUT", "/bucket/k", {}, "x").status, 200);
  deny("s3:PutObject", R"({"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::tenant:user/user"}})");
  EXPECT_EQ(as(tenant, "PUT", "/bucket/k", {}, "x").status, 403);
}

TEST_F(PolicyRequest, AnIpv4ClientOfADualStackSocketIsAnIpv4Client) {
  options_.host = "::";
  auto server = Server::start(options_, handler_);
  if (!server) GTEST_SKIP() << "no IPv6 here";
  server_ = std::move(*server);
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*",)"
      R"("Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}})");
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {}, "x").status, 403);
}

TEST_F(PolicyRequest, WhoMayListTheSourceIsToldByTheSourcesKey) {
  ASSERT_TRUE(objects_.create_bucket("from", Durability::Synced, {}));
  set("from", setting::kPolicy,
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::from",)"
      R"("Condition":{"StringLike":{"s3:prefix":"open/*"}}}})");
  set("bucket", setting::kAcl, "WRITE id bob\n");
  const auto copy = [&](const char* source) {
    return as(kBob, "PUT", "/bucket/open/k", {{"x-amz-copy-source", source}}).status;
  };
  EXPECT_EQ(copy("from/closed/none"), 403);
  EXPECT_EQ(copy("from/open/none"), 404);
}

}  // namespace
}  // namespace coffer::gateway
