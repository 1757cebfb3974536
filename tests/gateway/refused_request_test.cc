// What is not understood, or would not be done as it is asked, is refused rather than done by half.
#include "gateway/auth/access.h"
#include "gateway/s3/copy_bytes.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/tagging.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

class RefusedRequest : public TwoOwners {};

TEST_F(RefusedRequest, ADeletionWithAConditionThatCannotBeRead) {
  put("bucket", "k", "x");
  for (const char* condition :
       {"<Size>0x1</Size>", "<Size>-1</Size>", "<LastModifiedTime>2020-01-01</LastModifiedTime>"}) {
    const RawReply reply =
        as(kAlice, "POST", "/bucket?delete", {},
           "<Delete><Object><Key>k</Key>" + std::string(condition) + "</Object></Delete>");
    EXPECT_EQ(reply.status, 200);
    EXPECT_NE(reply.body.find("<Code>InvalidArgument</Code>"), std::string::npos) << condition;
    EXPECT_TRUE(objects_.head("bucket", "k")) << condition;
  }
}

TEST_F(RefusedRequest, SubResourcesThatAreNotKnown) {
  for (const char* target :
       {"/bucket?metadataConfiguration", "/bucket?abac", "/bucket/k?annotation"}) {
    EXPECT_EQ(as(kAlice, "DELETE", target).status, 501) << target;
    EXPECT_EQ(as(kAlice, "PUT", target, {}, "x").status, 501) << target;
  }
  EXPECT_TRUE(objects_.bucket("bucket"));
  EXPECT_FALSE(objects_.head("bucket", "k"));
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k?x-id=PutObject", {}, "x").status, 200);
  EXPECT_EQ(as(kAlice, "DELETE", "/bucket/k?x-id=DeleteObject").status, 204);
  EXPECT_EQ(as(kAlice, "DELETE", "/bucket").status, 204);
}

TEST_F(RefusedRequest, HeadersThatCameAsParameters) {
  for (const char* parameter : {"x-amz-acl=public-read", "X-Amz-Meta-A=b", "x-amz-tagging=a%3Db"})
    EXPECT_EQ(as(kAlice, "PUT", "/bucket/k?" + std::string(parameter), {}, "x").status, 501)
        << parameter;
  EXPECT_EQ(as(kAlice, "PUT", "/bucket/k?x-amz-checksum-crc32=AAAAAA%3D%3D", {}, "x").status, 200);
}

TEST_F(RefusedRequest, AMisspeltPublicAccessBlock) {
  const auto document = [](std::string_view inner) {
    return "<PublicAccessBlockConfiguration>" + std::string(inner) +
           "</PublicAccessBlockConfiguration>";
  };
  const auto set_block = [&](std::string_view inner) {
    return as(kAlice, "PUT", "/bucket?publicAccessBlock", {}, document(inner)).status;
  };
  EXPECT_EQ(set_block("<BlockPublicAcls>true</BlockPublicAcls>"), 200);
  for (const std::string_view inner :
       {"<BlockPublicACLs>true</BlockPublicACLs>", "<Other>true</Other>",
        "<BlockPublicAcls>true</BlockPublicAcls><BlockPublicAcls>false</BlockPublicAcls>",
        "<BlockPublicAcls>yes</BlockPublicAcls>", "<BlockPublicAcls/>"})
    EXPECT_EQ(set_block(inner), 400) << inner;
  EXPECT_EQ(objects_.bucket("bucket")->settings->at(setting::kPublicAccessBlock), "1000");
}

TEST_F(RefusedRequest, CopiedTagsAskForTheRightToReadAndToSetThem) {
  ObjectMetadata tagged;
  tagged.tags = {{"a", "b"}};
  put("bucket", "tagged", "x", tagged);
  put("bucket", "plain", "x");
  const auto allow = [&](std::string_view actions) {
    set("bucket", setting::kPolicy,
        R"({"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::bob:root"},"Action":[)" +
            std::string(actions) + R"(],"Resource":"arn:aws:s3:::bucket/*"}})");
  };
  const auto copy = [&](const char* source, Fields fields = {}) {
    fields.emplace_back("x-amz-copy-source", source);
    return as(kBob, "PUT", "/bucket/copy", std::move(fields)).status;
  };
  allow(R"("s3:GetObject","s3:PutObject")");
  EXPECT_EQ(copy("bucket/plain"), 200);
  EXPECT_EQ(copy("bucket/tagged"), 403);
  EXPECT_EQ(copy("bucket/tagged", {{"x-amz-tagging-directive", "REPLACE"}}), 200);
  allow(R"("s3:GetObject","s3:PutObject","s3:PutObjectTagging")");
  EXPECT_EQ(copy("bucket/tagged"), 403);
  allow(R"("s3:GetObject","s3:PutObject","s3:PutObjectTagging","s3:GetObjectTagging")");
  EXPECT_EQ(copy("bucket/tagged"), 200);
}

TEST_F(RefusedRequest, AttributesAskForTheRightToRead) {
  put("bucket", "k", "x");
  const auto attributes = [&](std::string_view actions) {
    set("bucket", setting::kPolicy,
        R"({"Statement":{"Effect":"Allow","Principal":"*","Action":[)" + std::string(actions) +
            R"(],"Resource":"arn:aws:s3:::bucket/*"}})");
    return as(kBob, "GET", "/bucket/k?attributes", {{"x-amz-object-attributes", "ETag"}}).status;
  };
  EXPECT_EQ(attributes(R"("s3:GetObjectAttributes")"), 403);
  EXPECT_EQ(attributes(R"("s3:GetObjectAttributes","s3:GetObject")"), 200);
}

TEST_F(RefusedRequest, NobodySaysWhatIsSaidOfAnObject) {
  put("bucket", "k", "x");
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}})");
  EXPECT_EQ(nobody("GET", "/bucket/k").status, 200);
  EXPECT_EQ(nobody("GET", "/bucket/k?response-content-type=text/html").status, 400);
  EXPECT_EQ(as(kBob, "GET", "/bucket/k?response-content-type=text/html").status, 200);
}

TEST_F(RefusedRequest, NobodyIsTold) {
  EXPECT_EQ(nobody("GET", "/").body.find("Alice"), std::string::npos) << "a key's name";
  const auto preflight = [&](const char* bucket) {
    return nobody("OPTIONS", bucket,
                  {{"origin", "http://x"}, {"access-control-request-method", "GET"}});
  };
  const RawReply there = preflight("/bucket");
  const RawReply not_there = preflight("/no-such-bucket");
  EXPECT_EQ(there.status, not_there.status);
  const auto code = [](const RawReply& reply) {
    return reply.body.substr(0, reply.body.find("<Resource>"));
  };
  EXPECT_EQ(code(there), code(not_there)) << "whether a bucket exists";
}

TEST_F(RefusedRequest, TagsThatXmlCannotHold) {
  for (const char* tag :
       {"%ff=b", "a=%01", "a=%ed%a0%80", "a=%c0%80", "a=%ef%bf%bf", "a=%f5%80%80%80"})
    EXPECT_EQ(as(kAlice, "PUT", "/bucket/k", {{"x-amz-tagging", tag}}, "x").status, 400) << tag;
  EXPECT_EQ(
      as(kAlice, "PUT", "/bucket/k", {{"x-amz-tagging", "%c3%a9=%f0%9f%98%80%09"}}, "x").status,
      200);
}

TEST_F(RefusedRequest, AnEmptyPartHasNoRange) {
  ObjectMetadata metadata;
  const std::string id = *objects_.create_upload("bucket", "k", metadata);
  auto writer = objects_.begin_part("bucket", "k", id, 1);
  metadata.etag = "e";
  ASSERT_TRUE((*writer)->commit(metadata, {}, Durability::Synced));
  metadata.parts = 1;
  ASSERT_TRUE(
      objects_.complete_upload("bucket", "k", id, {{1, "e"}}, metadata, {}, Durability::Synced));
  const RawReply reply = as(kAlice, "GET", "/bucket/k?partNumber=1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("content-range"), "");
}

TEST_F(RefusedRequest, TagsOfANewBucket) {
  const std::string body =
      "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>"
      "</CreateBucketConfiguration>";
  EXPECT_EQ(as(kAlice, "PUT", "/tagged-bucket", {}, body).status, 501);
  EXPECT_FALSE(objects_.bucket("tagged-bucket"));
}

TEST_F(RefusedRequest, WhatAPolicyIsRestrictedToDoesNotHideAnAcl) {
  const auto is_public = [&] {
    return as(kAlice, "GET", "/bucket?policyStatus").body.find("<IsPublic>true") !=
           std::string::npos;
  };
  EXPECT_FALSE(is_public());
  set("bucket", setting::kAcl, "READ group http://acs.amazonaws.com/groups/global/AllUsers\n");
  EXPECT_TRUE(is_public());
  set("bucket", setting::kPublicAccessBlock, "0001");
  EXPECT_TRUE(is_public());
  set("bucket", setting::kPublicAccessBlock, "0101");
  EXPECT_FALSE(is_public());
}

TEST_F(RefusedRequest, CopiesThatReadHaveAnEnd) {
  EXPECT_TRUE(CopySlot::take(service_, CopySlot::kBytesMax));
  const auto larger = CopySlot::take(service_, CopySlot::kBytesMax + 1);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, S3Code::InvalidRequest);
  std::vector<CopySlot> taken;
  for (int i = 0; i < CopySlot::kLongMax; ++i) {
    auto slot = CopySlot::take(service_, CopySlot::kLongBytes + 1);
    ASSERT_TRUE(slot) << i;
    taken.push_back(std::move(*slot));
  }
  const auto refused = CopySlot::take(service_, CopySlot::kLongBytes + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, S3Code::SlowDown);
  EXPECT_TRUE(CopySlot::take(service_, CopySlot::kLongBytes));
  taken.clear();
  EXPECT_TRUE(CopySlot::take(service_, CopySlot::kLongBytes + 1));
}

TEST(CorsRules, AreBounded) {
  const auto document = [](std::string_view element, std::size_t times) {
    std::string text =
        "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</"
        "AllowedMethod>";
    for (std::size_t i = 0; i < times; ++i) {
      text.append("<").append(element).append(">X-").append(std::to_string(i));
      text.append("*</").append(element).append(">");
    }
    return text + "</CORSRule></CORSConfiguration>";
  };
  EXPECT_FALSE(parse_cors(document("AllowedHeader", kCorsHeadersMax + 1)));
  EXPECT_FALSE(parse_cors(document("ExposeHeader", kCorsHeadersMax + 1)));
  const auto rules = parse_cors(document("AllowedHeader", kCorsHeadersMax));
  ASSERT_TRUE(rules);
  std::string headers;
  for (std::size_t i = 0; i < kCorsHeadersMax; ++i) headers += "x-" + std::to_string(i) + "-A, ";
  EXPECT_NE(matching_rule(*rules, {"http://x", "GET", headers}), nullptr);
  headers += "x-1-b";
  EXPECT_EQ(matching_rule(*rules, {"http://x", "GET", headers}), nullptr);
  EXPECT_NE(write_cors(*rules).find("<AllowedHeader>X-99*</AllowedHeader>"), std::string::npos);
}

}  // namespace
}  // namespace coffer::gateway
