/// Dates, percent-encoding and query strings.
#include <gtest/gtest.h>

#include "gateway/auth/digest.h"
#include "gateway/http/date.h"
#include "gateway/http/percent.h"

namespace coffer::gateway {
namespace {

TEST(HttpDate, ReadsTheThreeFormsOfRfc9110) {
  constexpr std::int64_t kWhen = 784111777;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kWhen);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kWhen);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kWhen);
  EXPECT_EQ(format_http_date(kWhen), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_amz_date("19941106T084937Z"), kWhen);
  EXPECT_EQ(parse_iso_date("1994-11-06T08:49:37.123Z"), kWhen);
  EXPECT_EQ(format_iso_date(kWhen, 7), "1994-11-06T08:49:37.007Z");
}

TEST(HttpDate, RefusesWhatIsNone) {
  for (const char* text :
       {"", "Sun", "Sun, 06 Nov 1994", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "0"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
  EXPECT_FALSE(parse_amz_date("19941106T084937"));
  EXPECT_FALSE(parse_amz_date("1994-11-06T08:49:37Z"));
}

TEST(Percent, EncodesAsSigV4Does) {
  EXPECT_EQ(percent_encode("a b/c~d$e+f\xC3\xA9", Slash::Keep), "a%20b/c~d%24e%2Bf%C3%A9");
  EXPECT_EQ(percent_encode("a/b", Slash::Encode), "a%2Fb");
  EXPECT_EQ(percent_decode("a%20b+c%2F", Plus::Literal), "a b+c/");
  EXPECT_EQ(percent_decode("a+b", Plus::Space), "a b");
  EXPECT_FALSE(percent_decode("%", Plus::Literal));
  EXPECT_FALSE(percent_decode("%4", Plus::Literal));
  EXPECT_FALSE(percent_decode("%zz", Plus::Literal));
}

TEST(Query, KeepsValuelessAndEmptyParameters) {
  const auto query = QueryParameters::parse("uploads&prefix=a%2Fb&delimiter=&x=1=2&&");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->all().size(), 4U);
  EXPECT_TRUE(query->has("uploads"));
  EXPECT_EQ(query->find("prefix"), "a/b");
  EXPECT_EQ(query->find("delimiter"), "");
  EXPECT_EQ(query->find("x"), "1=2");
  EXPECT_FALSE(query->has("y"));
}

TEST(Query, HasALimit) {
  std::string many;
  for (std::size_t i = 0; i <= QueryParameters::kParametersMax; ++i) many += "a=b&";
  EXPECT_FALSE(QueryParameters::parse(many));
  EXPECT_FALSE(QueryParameters::parse("a=%G0"));
}

TEST(DigestTest, KnownValues) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Digest md5(Digest::Kind::Md5);
  md5.update("hello ");
  md5.update("world");
  EXPECT_EQ(to_hex(md5.finish()), "5eb63bbbe01eeed093cb22bb8f5acdc3");
  // RFC 4231, cases 2 and 6 (a key longer than a block).
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes(std::string(131, '\xaa')),
                               "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Base64, RefusesOtherForms) {
  EXPECT_EQ(from_base64("XrY7u+Ae7tCTyyK7j1rNww==", 16).size(), 16U);
  EXPECT_TRUE(from_base64("XrY7u+Ae7tCTyyK7j1rNww=", 16).empty());
  EXPECT_TRUE(from_base64("XrY7u+Ae7tCTyyK7j1rNwx==", 16).empty());  // unused bits set
  EXPECT_TRUE(from_base64("XrY7u+Ae7tCTyyK7j1r!ww==", 16).empty());
  EXPECT_TRUE(from_base64("=rY7u+Ae7tCTyyK7j1rNww==", 16).empty());
}

}  // namespace
}  // namespace coffer::gateway
