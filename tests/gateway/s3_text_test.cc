/// Ranges, conditions, XML, bucket names, routing.
#include <gtest/gtest.h>

#include "gateway/s3/bucket_name.h"
#include "gateway/s3/byte_range.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/router.h"
#include "gateway/s3/xml_reader.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {
namespace {

void expect_part(std::string_view text, std::uint64_t size, std::uint64_t first,
                 std::uint64_t length) {
  const ByteRange range = parse_range(text, size);
  EXPECT_EQ(range.kind, ByteRange::Kind::Part) << text;
  EXPECT_EQ(range.first, first) << text;
  EXPECT_EQ(range.length, length) << text;
}

TEST(Range, OneRangeIsServed) {
  expect_part("bytes=0-9", 100, 0, 10);
  expect_part("bytes=90-", 100, 90, 10);
  expect_part("bytes=-10", 100, 90, 10);
  expect_part("bytes=-1000", 100, 0, 100);
  expect_part("bytes=99-18446744073709551615", 100, 99, 1);
}

TEST(Range, WhatIsNoneMeansTheWhole) {
  for (const char* text :
       {"bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "items=0-1"}) {
    EXPECT_EQ(parse_range(text, 100).kind, ByteRange::Kind::Whole) << text;
  }
}

TEST(Range, BeyondTheEndIsRefused) {
  EXPECT_EQ(parse_range("bytes=100-", 100).kind, ByteRange::Kind::Unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-0", 100).kind, ByteRange::Kind::Unsatisfiable);
  EXPECT_EQ(parse_range("bytes=0-0", 0).kind, ByteRange::Kind::Unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-5", 0).kind, ByteRange::Kind::Unsatisfiable);
}

TEST(Range, NumbersBeyondAllSizesAreClamped) {
  const char* const kHuge = "99999999999999999999";
  const std::string huge(kHuge);
  EXPECT_EQ(parse_range("bytes=" + huge + "-", 100).kind, ByteRange::Kind::Unsatisfiable);
  for (const std::string& text : {"bytes=0-" + huge, "bytes=-" + huge, std::string("Bytes=0-")}) {
    const ByteRange range = parse_range(text, 100);
    EXPECT_EQ(range.kind, ByteRange::Kind::Part) << text;
    EXPECT_EQ(range.length, 100U) << text;
  }
}

TEST(Conditions, PrecedenceIsThatOfRfc9110) {
  constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
  constexpr std::string_view kAt = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::int64_t kModified = 784111777;
  const auto verdict = [&](ReadConditions c) { return evaluate(c, "abc", kModified); };
  EXPECT_EQ(verdict({}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_match = "\"abc\""}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_match = "\"x\", \"abc\""}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_match = "*"}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_match = "\"x\""}), Verdict::Failed);
  EXPECT_EQ(verdict({.if_match = "abc", .if_unmodified_since = kBefore}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_unmodified_since = kBefore}), Verdict::Failed);
  EXPECT_EQ(verdict({.if_unmodified_since = kAt}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_none_match = "W/\"abc\""}), Verdict::NotModified);
  EXPECT_EQ(verdict({.if_none_match = "x", .if_modified_since = kAt}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_modified_since = kAt}), Verdict::NotModified);
  EXPECT_EQ(verdict({.if_modified_since = kBefore}), Verdict::Proceed);
  EXPECT_EQ(verdict({.if_modified_since = "no date"}), Verdict::Proceed);
}

TEST(Xml, EscapesWhatItWrites) {
  XmlWriter xml;
  xml.element("Key", "a<b>&\"c\r\x01");
  EXPECT_TRUE(std::move(xml).text().ends_with("<Key>a&lt;b&gt;&amp;&quot;c&#13;&#1;</Key>"));
}

TEST(Xml, ReadsWhatClientsSend) {
  const auto xml = parse_xml(
      "<?xml version=\"1.0\"?><Delete "
      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key> a&amp;b"
      "</Key></Object><Quiet>true</Quiet></Delete>",
      "Delete");
  ASSERT_TRUE(xml);
  EXPECT_EQ(xml->child_text("Quiet"), "true");
  EXPECT_EQ(xml->child("Object")->child_text("Key"), " a&b");
}

TEST(Xml, RefusesHostileDocuments) {
  EXPECT_FALSE(parse_xml("", "Delete"));
  EXPECT_FALSE(parse_xml("<Delete>", "Delete"));
  EXPECT_FALSE(parse_xml("<Other/>", "Delete"));
  EXPECT_FALSE(parse_xml("<!DOCTYPE Delete [<!ENTITY a \"b\">]><Delete>&a;</Delete>", "Delete"));
  std::string deep = "<Delete>";
  for (int i = 0; i < 100; ++i) deep += "<a>";
  for (int i = 0; i < 100; ++i) deep += "</a>";
  EXPECT_FALSE(parse_xml(deep + "</Delete>", "Delete"));
}

TEST(BucketName, RulesOfS3) {
  for (const char* name : {"abc", "a-b", "a.b.c", "1.2.3"}) {
    EXPECT_TRUE(is_bucket_name(name)) << name;
  }
  for (const char* name :
       {"", "ab", "Abc", "a_b", "-abc", "abc-", "a..b", "1.2.3.4", "xn--abc", ".abc"}) {
    EXPECT_FALSE(is_bucket_name(name)) << name;
  }
  EXPECT_TRUE(is_bucket_name(std::string(63, 'a')));
  EXPECT_FALSE(is_bucket_name(std::string(64, 'a')));
}

const Operation* route(Method method, std::string_view target, std::string_view copy_source = {}) {
  RequestHead head(1024);
  head.set_line(method, "M", target);
  head.add_field("Host", "127.0.0.1:9000");
  if (!copy_source.empty()) head.add_field("x-amz-copy-source", copy_source);
  const auto query = QueryParameters::parse(head.query());
  return find_operation(head, *query, *find_target(head, {}));
}

TEST(Router, FindsOperations) {
  EXPECT_EQ(route(Method::Get, "/"), &kListBuckets);
  EXPECT_EQ(route(Method::Put, "/b"), &kCreateBucket);
  EXPECT_EQ(route(Method::Put, "/b/"), &kCreateBucket);
  EXPECT_EQ(route(Method::Get, "/b?list-type=2"), &kListObjectsV2);
  EXPECT_EQ(route(Method::Get, "/b?versioning"), &kGetBucketVersioning);
  EXPECT_EQ(route(Method::Put, "/b?versioning"), &kPutBucketVersioning);
  EXPECT_EQ(route(Method::Post, "/b?delete"), &kDeleteObjects);
  EXPECT_EQ(route(Method::Put, "/b/k"), &kPutObject);
  EXPECT_EQ(route(Method::Put, "/b/k", "/b/l"), &kCopyObject);
  EXPECT_EQ(route(Method::Put, "/b/k?partNumber=1&uploadId=u"), &kUploadPart);
  EXPECT_EQ(route(Method::Get, "/b/k?legal-hold"), &kGetObjectLegalHold);
  EXPECT_EQ(route(Method::Get, "/b/k?tagging"), &kGetObjectTagging);
  EXPECT_EQ(route(Method::Post, "/b/k?tagging"), &kMethodNotAllowed);
  EXPECT_EQ(route(Method::Delete, "/b?policy"), &kDeleteBucketPolicy);
  EXPECT_EQ(route(Method::Other, "/b/k"), &kMethodNotAllowed);
}

TEST(Router, KeysAreVerbatim) {
  const auto target = [](std::string_view path, std::string_view host) {
    RequestHead head(1024);
    head.set_line(Method::Get, "GET", path);
    head.add_field("Host", host);
    const std::vector<std::string> domains{"s3.example.org"};
    auto found = find_target(head, domains);
    return found ? found->bucket + "|" + found->key : "error";
  };
  EXPECT_EQ(target("/b//a/../%2F/", "localhost"), "b|/a/..///");
  EXPECT_EQ(target("/a+b/c+d", "localhost"), "a+b|c+d");
  EXPECT_EQ(target("/k/l", "b.s3.example.org:9000"), "b|k/l");
  EXPECT_EQ(target("/k/l", "s3.example.org"), "k|l");
  EXPECT_EQ(target("/%zz", "localhost"), "error");
}

TEST(ContentType, ByExtension) {
  EXPECT_EQ(content_type_of("a/b.TXT"), "text/plain");
  EXPECT_EQ(content_type_of("a.txt/b"), "binary/octet-stream");
  EXPECT_EQ(content_type_of(""), "binary/octet-stream");
}

}  // namespace
}  // namespace coffer::gateway
