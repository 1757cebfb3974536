// Who may do what: ACLs, policies and where they meet.
#include "gateway/auth/access.h"

#include <gtest/gtest.h>

namespace coffer::gateway {
namespace {

const Principal kOwner{"owner", "O"};
const Principal kOther{"other", "X"};
const Principal kNobody{};

Policy policy_of(std::string_view text) {
  auto policy = Policy::parse(text, "bucket");
  EXPECT_TRUE(policy) << (policy ? "" : policy.error());
  return policy ? *std::move(policy) : Policy();
}

std::string statement(std::string_view effect, std::string_view principal, std::string_view action,
                      std::string_view resource, std::string_view condition = {}) {
  std::string text = R"({"Version":"2012-10-17","Statement":[{"Effect":")";
  text.append(effect).append(R"(","Principal":)").append(principal);
  text.append(R"(,"Action":")").append(action).append(R"(","Resource":")").append(resource);
  text.append("\"");
  if (!condition.empty()) text.append(R"(,"Condition":)").append(condition);
  return text + "}]}";
}

class Access : public ::testing::Test {
 protected:
  Access() {
    bucket_.owner = kOwner.id;
    bucket_.acl = private_acl(kOwner.id);
  }
  bool may_do(const Principal& who, std::string_view action, AclPermission acl,
              const ObjectAccess* object = nullptr) {
    const ConditionLookup values = [&](std::string_view key) -> std::vector<std::string> {
      const auto found = values_.find(std::string(key));
      return found == values_.end() ? std::vector<std::string>{} : found->second;
    };
    return may(
        {who, bucket_, object, action, object != nullptr ? "bucket/key" : resource_, acl, values});
  }
  bool may_read(const Principal& who, const ObjectAccess& object) {
    return may_do(who, "s3:GetObject", AclPermission::Read, &object);
  }
  BucketAccess bucket_;
  std::string resource_ = "bucket";
  std::map<std::string, std::vector<std::string>> values_;
};

TEST_F(Access, ABucketIsItsOwnersAlone) {
  for (const std::string_view action : {"s3:ListBucket", "s3:PutBucketPolicy", "s3:DeleteBucket"}) {
    EXPECT_TRUE(may_do(kOwner, action, AclPermission::None)) << action;
    EXPECT_FALSE(may_do(kOther, action, AclPermission::Read)) << action;
    EXPECT_FALSE(may_do(kNobody, action, AclPermission::Read)) << action;
  }
}

TEST_F(Access, AnAclGrantsWhatItSaysToWhomItSays) {
  bucket_.acl = *canned_acl("public-read", {kOwner.id, {}});
  EXPECT_TRUE(may_do(kNobody, "s3:ListBucket", AclPermission::Read));
  EXPECT_FALSE(may_do(kNobody, "s3:PutObject", AclPermission::Write));
  EXPECT_FALSE(may_do(kNobody, "s3:GetBucketPolicy", AclPermission::None));
  bucket_.acl = *canned_acl("authenticated-read", {kOwner.id, {}});
  EXPECT_TRUE(may_do(kOther, "s3:ListBucket", AclPermission::Read));
  EXPECT_FALSE(may_do(kNobody, "s3:ListBucket", AclPermission::Read));
  bucket_.acl = {{{Grantee::Kind::Owner, "other"}, AclPermission::FullControl}};
  EXPECT_TRUE(may_do(kOther, "s3:PutBucketAcl", AclPermission::WriteAcp));
  EXPECT_TRUE(may_do(kOwner, "s3:PutBucketAcl", AclPermission::WriteAcp)) << "the owner always";
}

TEST_F(Access, AnObjectOfAnotherIsNotTheBucketOwnersToRead) {
  const ObjectAccess object{kOther.id, private_acl(kOther.id)};
  EXPECT_TRUE(may_read(kOther, object));
  EXPECT_FALSE(may_read(kOwner, object));
  EXPECT_FALSE(may_read(kNobody, object));
  EXPECT_TRUE(may_read(kOwner, {kOther.id, *canned_acl("bucket-owner-read", {"other", "owner"})}));
}

TEST_F(Access, PublicAclsCanBeIgnoredAndAllAclsBeOff) {
  const ObjectAccess object{kOwner.id, *canned_acl("public-read", {"owner", "owner"})};
  EXPECT_TRUE(may_read(kNobody, object));
  bucket_.block.ignore_acls = true;
  EXPECT_FALSE(may_read(kNobody, object));
  bucket_.block = {};
  bucket_.ownership = Ownership::BucketOwnerEnforced;
  EXPECT_FALSE(may_read(kNobody, object));
  ObjectMetadata metadata;
  metadata.properties = {{property::kOwner, "other"}};
  EXPECT_EQ(ObjectAccess::read(metadata, bucket_)->owner, "owner");
}

TEST_F(Access, DenyGoesBeforeEverything) {
  resource_ = "bucket/key";
  bucket_.policy = policy_of(statement("Deny", "\"*\"", "s3:PutObject", "arn:aws:s3:::bucket/*"));
  EXPECT_FALSE(may_do(kOwner, "s3:PutObject", AclPermission::Write));
  EXPECT_TRUE(may_do(kOwner, "s3:DeleteObject", AclPermission::Write));
  bucket_.policy = policy_of(statement("Deny", "\"*\"", "s3:*", "arn:aws:s3:::bucket*"));
  EXPECT_TRUE(may_do(kOwner, "s3:DeleteBucketPolicy", AclPermission::None))
      << "who locked himself out can repair it";
}

TEST_F(Access, APolicyAllowsWhatItNames) {
  bucket_.policy = policy_of(statement("Allow", R"({"AWS":["arn:aws:iam::other:root"]})", "s3:Get*",
                                       "arn:aws:s3:::bucket/pub?ic/*"));
  resource_ = "bucket/public/x";
  EXPECT_TRUE(may_do(kOther, "s3:GetObject", AclPermission::None));
  EXPECT_FALSE(may_do(kOther, "s3:PutObject", AclPermission::None));
  EXPECT_FALSE(may_do(kNobody, "s3:GetObject", AclPermission::None));
  resource_ = "bucket/private/x";
  EXPECT_FALSE(may_do(kOther, "s3:GetObject", AclPermission::None));
}

TEST_F(Access, APublicPolicyCanBeRestricted) {
  bucket_.policy = policy_of(statement("Allow", "\"*\"", "s3:GetObject", "arn:aws:s3:::bucket/*"));
  resource_ = "bucket/key";
  EXPECT_TRUE(bucket_.policy->is_public());
  EXPECT_TRUE(may_do(kNobody, "s3:GetObject", AclPermission::None));
  bucket_.block.restrict_buckets = true;
  EXPECT_FALSE(may_do(kNobody, "s3:GetObject", AclPermission::None));
  EXPECT_TRUE(may_do(kOwner, "s3:GetObject", AclPermission::None));
}

TEST_F(Access, ConditionsAreAllToHold) {
  const auto with = [&](std::string_view condition) {
    bucket_.policy = policy_of(
        statement("Allow", R"({"AWS":"*"})", "s3:ListBucket", "arn:aws:s3:::bucket", condition));
    return may_do(kOther, "s3:ListBucket", AclPermission::None);
  };
  values_["s3:prefix"] = {"public/a"};
  values_["aws:sourceip"] = {"192.168.7.9"};
  values_["s3:max-keys"] = {"10"};
  EXPECT_TRUE(with(R"({"StringLike":{"s3:prefix":"public/*"}})"));
  EXPECT_FALSE(with(R"({"StringLike":{"s3:prefix":["private/*","x"]}})"));
  EXPECT_FALSE(with(R"({"StringNotEquals":{"s3:prefix":"public/a"}})"));
  EXPECT_TRUE(with(R"({"StringNotEquals":{"s3:delimiter":"/"}})")) << "absent is not equal";
  EXPECT_FALSE(with(R"({"StringEquals":{"s3:delimiter":"/"}})"));
  EXPECT_TRUE(with(R"({"StringEqualsIfExists":{"s3:delimiter":"/"}})"));
  EXPECT_TRUE(with(R"({"Null":{"s3:delimiter":"true"}})"));
  EXPECT_FALSE(with(R"({"Null":{"s3:prefix":"true"}})"));
  EXPECT_TRUE(with(R"({"IpAddress":{"aws:SourceIp":"192.168.0.0/16"}})"));
  EXPECT_FALSE(with(R"({"NotIpAddress":{"aws:SourceIp":"192.168.0.0/16"}})"));
  EXPECT_TRUE(with(R"({"NumericLessThanEquals":{"s3:max-keys":10}})"));
  EXPECT_FALSE(with(R"({"NumericLessThan":{"s3:max-keys":"10"}})"));
  EXPECT_FALSE(
      with(R"({"StringLike":{"s3:prefix":"public/*"},"Bool":{"aws:SecureTransport":true}})"));
  EXPECT_FALSE(bucket_.policy->evaluate({kNobody, "s3:ListBucket", "bucket",
                                         [](std::string_view) -> std::vector<std::string> {
                                           return {};
                                         }}) == Policy::Answer::Allow);
}

TEST(PolicyText, WhatIsNotUnderstoodIsNotTaken) {
  const std::string good = statement("Allow", "\"*\"", "s3:GetObject", "arn:aws:s3:::bucket/*");
  EXPECT_TRUE(Policy::parse(good, "bucket"));
  EXPECT_FALSE(Policy::parse(good, "another"));
  EXPECT_FALSE(Policy::parse("{", "bucket"));
  EXPECT_FALSE(Policy::parse("[]", "bucket"));
  EXPECT_FALSE(Policy::parse(R"({"Statement":[]})", "bucket"));
  EXPECT_FALSE(Policy::parse(std::string(kPolicyBytesMax + 1, ' '), "bucket"));
  const auto refused = [](std::string_view effect, std::string_view principal,
                          std::string_view action, std::string_view condition) {
    return !Policy::parse(statement(effect, principal, action, "arn:aws:s3:::bucket", condition),
                          "bucket");
  };
  EXPECT_TRUE(refused("Perhaps", "\"*\"", "s3:*", ""));
  EXPECT_TRUE(refused("Allow", "\"me\"", "s3:*", ""));
  EXPECT_TRUE(refused("Allow", "\"*\"", "ec2:*", ""));
  EXPECT_TRUE(refused("Allow", "\"*\"", "s3:*", R"({"StringMatches":{"s3:prefix":"a"}})"));
  EXPECT_TRUE(refused("Allow", "\"*\"", "s3:*", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}})"));
  EXPECT_TRUE(refused("Allow", "\"*\"", "s3:*", R"({"Bool":{"aws:SecureTransport":"yes"}})"));
}

TEST(PolicyText, IsPublicUnlessItIsForSome) {
  const auto is_public = [](std::string_view principal, std::string_view condition) {
    return Policy::parse(
               statement("Allow", principal, "s3:GetObject", "arn:aws:s3:::bucket/*", condition),
               "bucket")
        ->is_public();
  };
  EXPECT_TRUE(is_public("\"*\"", ""));
  EXPECT_FALSE(is_public(R"({"AWS":"arn:aws:iam::other:root"})", ""));
  EXPECT_FALSE(is_public("\"*\"", R"({"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"({"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}})"));
  EXPECT_TRUE(is_public("\"*\"", R"({"StringLike":{"aws:UserAgent":"x"}})"));
}

TEST(AclText, IsReadBack) {
  const Acl acl{{{Grantee::Kind::AllUsers, {}}, AclPermission::Read},
                {{Grantee::Kind::Owner, "a$b"}, AclPermission::WriteAcp}};
  EXPECT_EQ(decode_acl(encode_acl(acl)), acl);
  EXPECT_EQ(decode_acl(""), Acl{});
  for (const std::string_view text : {"READ", "READ id", "READ id ", "ALL id a", "READ group x"})
    EXPECT_FALSE(decode_acl(text)) << text;
  std::string many;
  for (std::size_t i = 0; i <= kGrantsMax; ++i) many += "READ id a\n";
  EXPECT_FALSE(decode_acl(many));
}

TEST(Pattern, MatchesRunsAndSingleCharacters) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b*c", "axxbyybc"));
  EXPECT_TRUE(matches_pattern("a?c", "abc"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_FALSE(matches_pattern("a*b", "abc"));
  EXPECT_FALSE(matches_pattern("", "a"));
}

}  // namespace
}  // namespace coffer::gateway
