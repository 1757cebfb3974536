// What a policy may say, and what its conditions mean where a request has no value for them.
#include <gtest/gtest.h>

#include "gateway/auth/access.h"
#include "gateway/auth/policy_words.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kAllOfBucket = R"("arn:aws:s3:::bucket/*")";

std::string statement(std::string_view effect, std::string_view principal, std::string_view action,
                      std::string_view resource, std::string_view condition = "{}") {
  std::string text = R"({"Statement":{"Effect":")";
  text.append(effect).append(R"(","Principal":)").append(principal);
  text.append(R"(,"Action":)").append(action).append(R"(,"Resource":)").append(resource);
  return text.append(R"(,"Condition":)").append(condition).append("}}");
}

bool taken(std::string_view principal, std::string_view action, std::string_view resource,
           std::string_view condition = "{}") {
  return Policy::parse(statement("Deny", principal, action, resource, condition), "bucket")
      .has_value();
}

TEST(PolicyWords, ConditionKeysAreThoseThatMeanSomething) {
  const auto with_key = [](std::string_view key) {
    return taken("\"*\"", R"("s3:*")", kAllOfBucket,
                 R"({"StringEquals":{")" + std::string(key) + R"(":"x"}})");
  };
  for (const std::string_view key :
       {"s3:prefix", "S3:Prefix", "aws:SourceIp", "aws:SourceVpce", "s3:x-amz-acl", "aws:Referer",
        "s3:ExistingObjectTag/Any Thing", "s3:RequestObjectTagKeys", "aws:PrincipalOrgID"})
    EXPECT_TRUE(with_key(key)) << key;
  for (const std::string_view key :
       {"s3:x-amz-acll", "s3:prefixes", "aws:SourceIpp", "s3:", "ec2:Region",
        "s3:ExistingObjectTag/", "s3:TlsVersion", "aws:RequestTag/a"})
    EXPECT_FALSE(with_key(key)) << key;
}

TEST(PolicyWords, ActionsAreThoseOfS3) {
  for (const std::string_view action :
       {R"("s3:GetObject")", R"("S3:getobject")", R"("s3:Get*")", R"("*")", R"("s3:*")",
        R"("s3:PutBucketLogging")", R"("s3:?utObject")",
        R"(["s3:GetObject","s3:GetObjectVersion"])"})
    EXPECT_TRUE(taken("\"*\"", action, kAllOfBucket)) << action;
  for (const std::string_view action : {R"("s3:GetObjects")", R"("s3:")", R"("s3:Gett*")",
                                        R"("ec2:*")", R"(["s3:GetObject","s3:ReadObject"])"})
    EXPECT_FALSE(taken("\"*\"", action, kAllOfBucket)) << action;
}

TEST(PolicyWords, PrincipalsAreWhole) {
  for (const std::string_view principal :
       {R"({"AWS":"*"})", R"({"AWS":"arn:aws:iam::a:root"})", R"({"AWS":"arn:aws:iam::a:user/b"})",
        R"({"CanonicalUser":"a"})"})
    EXPECT_TRUE(taken(principal, R"("s3:*")", kAllOfBucket)) << principal;
  for (const std::string_view principal :
       {R"({"AWS":"arn:aws:iam::*:root"})", R"({"AWS":"arn:aws:iam::a:user/*"})", R"({"AWS":"a*"})",
        R"({"AWS":"?"})", R"({"CanonicalUser":"*"})", R"({"AWS":""})"})
    EXPECT_FALSE(taken(principal, R"("s3:*")", kAllOfBucket)) << principal;
}

TEST(PolicyWords, VariablesAreRefused) {
  EXPECT_FALSE(taken("\"*\"", R"("s3:*")", R"("arn:aws:s3:::bucket/${aws:userid}/*")"));
  EXPECT_FALSE(taken("\"*\"", R"("s3:*")", kAllOfBucket,
                     R"({"StringLike":{"s3:prefix":"${aws:username}/*"}})"));
  EXPECT_TRUE(taken("\"*\"", R"("s3:*")", R"("arn:aws:s3:::bucket/$aws/{x}")"));
  const std::string longest(2100, 'a');
  EXPECT_FALSE(taken("\"*\"", R"("s3:*")", "\"arn:aws:s3:::bucket/" + longest + "\""));
}

TEST(PolicyWords, WhatIsAbsentIsNoneOfAny) {
  const ConditionLookup absent = [](std::string_view) { return std::vector<std::string>{}; };
  const auto holds = [&](std::string_view name) {
    auto condition = Condition::from_operator(name);
    EXPECT_TRUE(condition) << name;
    condition->key = "s3:prefix";
    condition->values = {"a"};
    return condition->holds(absent);
  };
  EXPECT_FALSE(holds("ForAnyValue:StringNotEquals"));
  EXPECT_FALSE(holds("ForAnyValue:StringEquals"));
  EXPECT_TRUE(holds("ForAnyValue:StringNotEqualsIfExists"));
  EXPECT_TRUE(holds("ForAllValues:StringEquals"));
  EXPECT_TRUE(holds("StringNotEquals"));
  EXPECT_FALSE(holds("StringEquals"));
}

TEST(PolicyWords, ConditionsThatDoNotLookAtTheObjectAreEvaluatedOnce) {
  const auto policy = Policy::parse(
      statement("Deny", "\"*\"", R"("s3:*")", kAllOfBucket,
                R"({"StringLike":{"aws:UserAgent":"x*","s3:ExistingObjectTag/a":"*"}})"),
      "bucket");
  ASSERT_TRUE(policy);
  int agents = 0;
  int tags = 0;
  const ConditionLookup values = [&](std::string_view key) {
    ++(key == "aws:useragent" ? agents : tags);
    return std::vector<std::string>{"xyz"};
  };
  const Principal who{"a", "A"};
  ConditionAnswers answers;
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(policy->evaluate({who, "s3:DeleteObject", "bucket/k", values, &answers}),
              Policy::Answer::Deny);
  }
  EXPECT_EQ(agents, 1);
  EXPECT_EQ(tags, 5);
}

bool matches_simply(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    return matches_simply(pattern.substr(1), text) ||
           (!text.empty() && matches_simply(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
         matches_simply(pattern.substr(1), text.substr(1));
}

TEST(PatternRuns, MatchesWhatTheSimplestMatcherDoes) {
  std::uint32_t seed = 7;
  const auto below = [&](std::uint32_t n) {
    return (seed = seed * 1664525 + 1013904223) / 65536 % n;
  };
  const auto made_of = [&](std::string_view letters, std::size_t most) {
    std::string made(below(static_cast<std::uint32_t>(most)), ' ');
    for (char& c : made) c = letters[below(static_cast<std::uint32_t>(letters.size()))];
    return made;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = made_of("aab?*", 8);
    const std::string text = made_of("aab", 10);
    ASSERT_EQ(matches_pattern(pattern, text), matches_simply(pattern, text))
        << pattern << " " << text;
  }
  const std::string run(40, 'a');
  EXPECT_TRUE(matches_pattern("*" + run + "?" + run, "b" + run + "c" + run));
  EXPECT_FALSE(matches_pattern("*" + run + "?" + run + "*", run + run));
}

TEST(OthersObjects, APolicysAllowIsForWhatIsTheBucketOwners) {
  BucketAccess bucket;
  bucket.owner = "owner";
  bucket.acl = private_acl("owner");
  bucket.policy = *Policy::parse(
      statement("Allow", "\"*\"", R"(["s3:GetObject","s3:DeleteObject"])", kAllOfBucket), "bucket");
  const Principal nobody;
  const ConditionLookup none = [](std::string_view) { return std::vector<std::string>{}; };
  const ObjectAccess his{"owner", private_acl("owner")};
  const ObjectAccess of_another{"other", private_acl("other")};
  const auto may_read = [&](const ObjectAccess& object) {
    return may({nobody, bucket, &object, "s3:GetObject", "bucket/k", AclPermission::Read, none});
  };
  EXPECT_TRUE(may_read(his));
  EXPECT_FALSE(may_read(of_another));
  EXPECT_TRUE(
      may({nobody, bucket, nullptr, "s3:DeleteObject", "bucket/k", AclPermission::Write, none}));
  bucket.policy =
      *Policy::parse(statement("Deny", "\"*\"", R"("s3:GetObject")", kAllOfBucket), "bucket");
  const Principal other{"other", "X"};
  EXPECT_FALSE(
      may({other, bucket, &of_another, "s3:GetObject", "bucket/k", AclPermission::Read, none}))
      << "a Deny is for all that is in the bucket";
}

}  // namespace
}  // namespace coffer::gateway
