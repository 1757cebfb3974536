#include "gateway/auth/aws_chunked.h"

#include <gtest/gtest.h>

#include <random>

namespace coffer::gateway {
namespace {

using Signatures = AwsChunkedParser::Signatures;

struct Parsed {
  bool ok = false;
  std::string payload;
  std::vector<std::pair<std::size_t, std::string>> chunks;  // end in the payload, signature
  std::vector<AwsChunkedParser::Trailer> trailers;
  std::string trailer_signature;
};

Parsed parse_in_pieces(const std::string& wire, Signatures signatures, std::size_t piece) {
  AwsChunkedParser parser(signatures);
  Parsed parsed;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    std::string window = wire.substr(at, piece);
    std::vector<ChunkMark> marks;
    const auto n = parser.parse(
        MutableBytes(reinterpret_cast<std::byte*>(window.data()), window.size()), marks);
    if (!n) return parsed;
    for (const ChunkMark& mark : marks) {
      parsed.chunks.emplace_back(parsed.payload.size() + mark.end, mark.signature);
    }
    parsed.payload.append(window, 0, *n);
  }
  parsed.ok = parser.finish();
  parsed.trailers = parser.trailers();
  parsed.trailer_signature = parser.trailer_signature();
  return parsed;
}

const std::string kSignature(64, 'f');

TEST(AwsChunked, GivesTheSamePayloadHoweverItIsCut) {
  const std::string wire =
      "5;chunk-signature=" + kSignature + "\r\nhello\r\n6;chunk-signature=" + kSignature +
      "\r\n world\r\n0;chunk-signature=" + kSignature +
      "\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:" + kSignature + "\r\n\r\n";
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    const Parsed parsed = parse_in_pieces(wire, Signatures::Required, piece);
    ASSERT_TRUE(parsed.ok) << piece;
    EXPECT_EQ(parsed.payload, "hello world");
    ASSERT_EQ(parsed.chunks.size(), 3U);
    EXPECT_EQ(parsed.chunks[0], std::pair(std::size_t{5}, kSignature));
    EXPECT_EQ(parsed.chunks[2], std::pair(std::size_t{11}, kSignature));
    ASSERT_EQ(parsed.trailers.size(), 1U);
    EXPECT_EQ(parsed.trailers[0], AwsChunkedParser::Trailer("x-amz-checksum-crc32", "AAAAAA=="));
    EXPECT_EQ(parsed.trailer_signature, kSignature);
  }
}

TEST(AwsChunked, TakesTheUnsignedForm) {
  const Parsed parsed = parse_in_pieces(
      "b\r\nhello world\r\n0\r\nX-Amz-Checksum-Crc32: DUoRhQ==\r\n\r\n", Signatures::Absent, 3);
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(parsed.payload, "hello world");
  EXPECT_EQ(parsed.trailers[0].first, "x-amz-checksum-crc32");
}

TEST(AwsChunked, TakesAnEmptyBody) {
  EXPECT_TRUE(parse_in_pieces("0\r\n\r\n", Signatures::Absent, 1).ok);
  EXPECT_TRUE(parse_in_pieces("0\r\n", Signatures::Absent, 1).ok);
}

TEST(AwsChunked, RefusesWhatIsNotTheForm) {
  const auto refused = [](const std::string& wire, Signatures signatures) {
    return !parse_in_pieces(wire, signatures, 1).ok && !parse_in_pieces(wire, signatures, 4096).ok;
  };
  EXPECT_TRUE(refused("", Signatures::Absent));
  EXPECT_TRUE(refused("5\r\nhello\r\n", Signatures::Absent));  // no last chunk
  EXPECT_TRUE(refused("5\r\nhel", Signatures::Absent));        // cut short
  EXPECT_TRUE(refused("5\r\nhello world\r\n0\r\n\r\n", Signatures::Absent));
  EXPECT_TRUE(refused("-5\r\nhello\r\n0\r\n\r\n", Signatures::Absent));
  EXPECT_TRUE(refused("0x5\r\nhello\r\n0\r\n\r\n", Signatures::Absent));
  EXPECT_TRUE(refused("ffffffffffffffff\r\nhello", Signatures::Absent));
  EXPECT_TRUE(refused("\r\n\r\n", Signatures::Absent));
  EXPECT_TRUE(refused("0\r\n\r\nmore", Signatures::Absent));
  EXPECT_TRUE(refused("5\r\nhello\r\n0\r\n\r\n", Signatures::Required));  // unsigned chunk
  EXPECT_TRUE(refused("5;chunk-signature=abc\r\nhello\r\n0\r\n\r\n", Signatures::Required));
  EXPECT_TRUE(refused(std::string(AwsChunkedParser::kLineMax + 1, '0'), Signatures::Absent));
  EXPECT_TRUE(refused("0\r\nno colon\r\n\r\n", Signatures::Absent));
  std::string many = "0\r\n";
  for (int i = 0; i < 17; ++i) many += "x-a:b\r\n";
  EXPECT_TRUE(refused(many + "\r\n", Signatures::Absent));
}

TEST(AwsChunked, HostileBytesNeitherCrashNorGrow) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "0123456789abcdef\r\n;:x-";
  for (int round = 0; round < 2000; ++round) {
    std::string wire(random() % 300, '\0');
    for (char& c : wire) c = kAlphabet[random() % kAlphabet.size()];
    const auto whole = parse_in_pieces(wire, Signatures::Absent, 4096);
    const auto pieces = parse_in_pieces(wire, Signatures::Absent, 1 + random() % 7);
    EXPECT_EQ(whole.ok, pieces.ok);
    if (whole.ok) {
      EXPECT_EQ(whole.payload, pieces.payload);
    }
    EXPECT_LE(whole.payload.size(), wire.size());
  }
}

}  // namespace
}  // namespace coffer::gateway
