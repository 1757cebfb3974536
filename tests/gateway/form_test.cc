// Form uploads: the parser over every way of cutting the body, the policy, and the signature.
#include <gtest/gtest.h>

#include <cstring>

#include "gateway/s3/form_parser.h"
#include "gateway/s3/post_policy.h"

namespace coffer::gateway {
namespace {

struct Parsed {
  std::string file;
  bool began = false, done = false, failed = false;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string file_name;
};

Parsed parse_in_pieces(std::string_view body, std::size_t piece_bytes,
                       std::string_view type = "multipart/form-data; boundary=BOUND") {
  auto parser = FormParser::create(type);
  EXPECT_TRUE(parser);
  Parsed parsed;
  while (!body.empty()) {
    std::string piece(body.substr(0, piece_bytes));
    body.remove_prefix(piece.size());
    const std::size_t n = parser->parse({reinterpret_cast<std::byte*>(piece.data()), piece.size()});
    parsed.file += parser->prefix();
    parsed.file += piece.substr(0, n);
  }
  parsed.began = parser->file_began();
  parsed.done = parser->done();
  parsed.failed = parser->failed();
  parsed.fields = parser->fields();
  parsed.file_name = parser->file_name();
  return parsed;
}

std::string part(std::string_view disposition, std::string_view value) {
  return "--BOUND\r\nContent-Disposition: form-data; " + std::string(disposition) +
         "\r\nX-Other: y\r\n\r\n" + std::string(value) + "\r\n";
}

TEST(FormParser, FindsTheFileHoweverTheBodyIsCut) {
  // Line breaks and beginnings of the boundary in the file itself.
  const std::string file = "a\r\nb\r\n-\r\n--BOUN\r\n\r\n--BOUNX--BOUND\r";
  const std::string body = part("name=\"Key\"; filename=\"x\"", "k\r\n--BO") +
                           part("name=empty", "") + part("x=\"q\\\"; name=n\"; name=\"q\"", "v") +
                           part("name=\"file\"; filename=\"C:\\dir\\f.txt\"", file) +
                           part("name=\"late\"", "ignored") + "--BOUND--\r\n";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) {
    const Parsed parsed = parse_in_pieces(body, piece);
    ASSERT_TRUE(parsed.done) << piece;
    ASSERT_EQ(parsed.file, file) << piece;
    ASSERT_EQ(parsed.fields.size(), 3U) << piece;
    EXPECT_EQ(parsed.fields[0], (std::pair<std::string, std::string>("key", "k\r\n--BO")));
    EXPECT_EQ(parsed.fields[1].second, "");
    EXPECT_EQ(parsed.fields[2].first, "q");
    EXPECT_EQ(parsed.file_name, "C:\\dir\\f.txt");
  }
}

TEST(FormParser, RefusesWhatIsNoForm) {
  EXPECT_FALSE(FormParser::create("text/plain"));
  EXPECT_FALSE(FormParser::create("multipart/form-data"));
  EXPECT_FALSE(FormParser::create("multipart/form-data; boundary="));
  EXPECT_FALSE(FormParser::create("multipart/form-data; boundary=" + std::string(300, 'b')));
  EXPECT_TRUE(parse_in_pieces("nonsense that is longer than a boundary", 100).failed);
  EXPECT_TRUE(parse_in_pieces(part("name=\"a\"", "b") + "--BOUND--\r\n", 100).failed);
  EXPECT_TRUE(parse_in_pieces(part("nothing", "b") + part("name=file", "x"), 100).failed);
  const std::string large(FormParser::kFieldBytesMax + 1, 'x');
  EXPECT_TRUE(parse_in_pieces(part("name=\"a\"", large), 1000).failed);
  const Parsed cut =
      parse_in_pieces("--BOUND\r\nContent-Disposition: form-data; name=file\r\n\r\nx", 7);
  EXPECT_TRUE(cut.began);
  EXPECT_FALSE(cut.done);
}

constexpr std::int64_t kNow = 1'700'000'000;  // 2023-11-14

S3Code code_of(const S3Result<void>& result) {
  EXPECT_FALSE(result);
  return result ? S3Code::InternalError : result.error().code;
}

TEST(PostPolicy, EveryConditionHoldsAndEveryFieldIsNamed) {
  const auto policy = PostPolicy::parse(
      R"({"expiration":"2030-01-01T00:00:00Z","conditions":[{"bucket":"b"},["starts-with","$Key","u/"],
         ["eq","$acl","private"],["content-length-range",2,5]]})");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->bytes_min(), 2U);
  EXPECT_EQ(policy->bytes_max(), 5U);
  PostPolicy::Fields fields{{"key", "u/1"}, {"acl", "private"}, {"bucket", "b"}, {"policy", "p"}};
  EXPECT_TRUE(policy->check(fields, kNow));
  EXPECT_EQ(code_of(policy->check(fields, 2'000'000'000)), S3Code::AccessDenied) << "expired";
  fields.emplace_back("x-ignore-me", "1");
  EXPECT_TRUE(policy->check(fields, kNow));
  fields.emplace_back("content-type", "text/html");
  EXPECT_EQ(code_of(policy->check(fields, kNow)), S3Code::AccessDenied) << "not named";
  fields = {{"key", "v/1"}, {"acl", "private"}, {"bucket", "b"}};
  EXPECT_EQ(code_of(policy->check(fields, kNow)), S3Code::AccessDenied);
  fields = {{"key", "u/1"}, {"acl", "private"}, {"bucket", "c"}};
  EXPECT_EQ(code_of(policy->check(fields, kNow)), S3Code::AccessDenied);
}

TEST(PostPolicy, RefusesWhatIsNoPolicy) {
  for (const std::string_view text :
       {"", "{", "[]", R"({"conditions":[]})", R"({"expiration":"soon","conditions":[]})",
        R"({"expiration":"2030-01-01T00:00:00Z"})",
        R"({"expiration":"2030-01-01T00:00:00Z","conditions":[{}]})",
        R"({"expiration":"2030-01-01T00:00:00Z","conditions":[["like","$key","a"]]})",
        R"({"expiration":"2030-01-01T00:00:00Z","conditions":[["eq","key","a"]]})",
        R"({"expiration":"2030-01-01T00:00:00Z","conditions":[["content-length-range",-1,2]]})",
        R"({"expiration":"2030-01-01T00:00:00Z","conditions":[["content-length-range",1]]})"}) {
    const auto policy = PostPolicy::parse(text);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code, S3Code::InvalidPolicyDocument);
  }
}

}  // namespace
}  // namespace coffer::gateway
