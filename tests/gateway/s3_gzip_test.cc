#include <gtest/gtest.h>
#include <zlib.h>

#include "gateway/s3/gzip.h"

namespace coffer::gateway {
namespace {

Reply xml_of(std::size_t bytes) {
  Reply reply;
  reply.add("Content-Type", "application/xml");
  for (std::size_t i = 0; reply.body.size() < bytes; ++i)
    reply.body += "<Key>" + std::to_string(i) + "</Key>";
  return reply;
}

std::string unpacked(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, ' ');
  std::string in = packed;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Gzip, IsForXmlAndWhoTakesIt) {
  EXPECT_TRUE(accepts_gzip("deflate, gzip;q=0.3"));
  EXPECT_TRUE(accepts_gzip("*"));
  EXPECT_FALSE(accepts_gzip("identity"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0, identity"));
  RequestHead head(1000);
  head.set_line(Method::Get, "GET", "/b");
  head.add_field("Accept-Encoding", "gzip");
  Reply large = xml_of(5000);
  const std::string text = large.body;
  compress_xml(head, large);
  EXPECT_LT(large.body.size(), text.size() / 2);
  EXPECT_EQ(unpacked(large.body), text);
  EXPECT_NE(large.fields.find("Content-Encoding: gzip"), std::string::npos);
  Reply small = xml_of(100);
  const std::string as_it_was = small.body;
  compress_xml(head, small);
  EXPECT_EQ(small.body, as_it_was);
  RequestHead plain(1000);
  plain.set_line(Method::Get, "GET", "/b");
  Reply untouched = xml_of(5000);
  compress_xml(plain, untouched);
  EXPECT_EQ(untouched.body, text);
}

}  // namespace
}  // namespace coffer::gateway
