// What strangers send is taken or refused, whatever is done to it: policies, forms, tags, CORS rules, ACLs.
#include <gtest/gtest.h>

#include <random>

#include "gateway/auth/acl.h"
#include "gateway/auth/policy.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/form_parser.h"
#include "gateway/s3/post_policy.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {
namespace {

constexpr int kTurns = 3000;

class HostileText : public ::testing::Test {
 protected:
  /// `text` with some bytes changed, doubled or cut out.
  std::string damaged(std::string text) {
    const auto below = [&](std::size_t n) { return random_() % n; };
    for (std::size_t i = 0, n = 1 + below(4); i < n && !text.empty(); ++i) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(20));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size()), below(60)));
          break;
        default:
          text[at] = R"("{}[],:*&;%<>/=$)"[below(16)];
          break;
      }
    }
    return text;
  }
  std::mt19937_64 random_{20240917};
};

TEST_F(HostileText, PoliciesAreTakenOrRefusedAndEvaluated) {
  const std::string good =
      R"({"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"1","Effect":"Allow","Principal":{"AWS":)"
      R"(["arn:aws:iam::a:root","*"]},"Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::b/*",)"
      R"("Condition":{"ForAnyValue:StringLikeIfExists":{"s3:ExistingObjectTag/x":["a*","?"]},)"
      R"("IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}]})";
  ASSERT_TRUE(Policy::parse(good, "b"));
  const ConditionLookup values = [](std::string_view) {
    return std::vector<std::string>{"10.1.1.1"};
  };
  int taken = 0;
  for (int i = 0; i < kTurns; ++i) {
    const auto policy = Policy::parse(damaged(good), "b");
    if (!policy) continue;
    ++taken;
    static_cast<void>(policy->evaluate({Principal{"a", "A"}, "s3:GetObject", "b/k", values}));
    static_cast<void>(policy->is_public());
  }
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kTurns / 2);
  EXPECT_FALSE(Policy::parse(std::string(20'000, '['), "b")) << "nesting is bounded by the size";
}

TEST_F(HostileText, FormsAndTheirPoliciesAreTakenOrRefused) {
  const std::string form =
      "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nvalue\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"file\"; "
      "filename=\"x\\\"y\"\r\n\r\nbytes\r\n--B--\r\n";
  const std::string policy =
      R"({"expiration":"2030-01-01T00:00:00Z","conditions":[{"bucket":"b"},["eq","$key","k"],["content-length-range",1,2]]})";
  for (int i = 0; i < kTurns; ++i) {
    auto parser = FormParser::create("multipart/form-data; boundary=B");
    ASSERT_TRUE(parser);
    std::string body = damaged(form);
    const std::size_t cut = random_() % (body.size() + 1);
    for (std::string piece : {body.substr(0, cut), body.substr(cut)}) {
      const std::size_t n =
          parser->parse({reinterpret_cast<std::byte*>(piece.data()), piece.size()});
      ASSERT_LE(n, piece.size());
    }
    const auto parsed = PostPolicy::parse(damaged(policy));
    if (parsed) static_cast<void>(parsed->check({{"key", "k"}, {"bucket", "b"}}, 1));
    static_cast<void>(FormParser::create(damaged("multipart/form-data; boundary=\"a b\"; x=y")));
  }
}

TEST_F(HostileText, TagsRulesAndAclsAreTakenOrRefused) {
  const std::string tagging =
      "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  const std::string cors =
      "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</"
      "AllowedMethod>"
      "<MaxAgeSeconds>9</MaxAgeSeconds></CORSRule></CORSConfiguration>";
  for (int i = 0; i < kTurns; ++i) {
    static_cast<void>(parse_tagging(damaged(tagging), kObjectTagsMax));
    static_cast<void>(tags_of_header(damaged("a=b&c=%20&d")));
    const auto rules = parse_cors(damaged(cors));
    if (rules) {
      ASSERT_TRUE(parse_cors(write_cors(*rules))) << "what is kept can be read";
      static_cast<void>(matching_rule(*rules, {"https://x", "GET", "a, b,,"}));
    }
    const auto acl = decode_acl(damaged("READ id a\nWRITE group x\n"));
    if (acl) {
      ASSERT_EQ(decode_acl(encode_acl(*acl)), acl);
    }
  }
}

}  // namespace
}  // namespace coffer::gateway
