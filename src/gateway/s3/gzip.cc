#include "gateway/s3/gzip.h"

#include <zlib.h>

#include <string>

namespace coffer::gateway {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way of asking for gzip's own frame
constexpr int kMemoryLevel = 8;

/// Empty if it did not become smaller.
std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string out(text.size(), '\0');
  // zlib takes its input by a pointer that is not const, and does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool fits = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(fits ? out.size() - stream.avail_out : 0);
  deflateEnd(&stream);
  return out;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(comma == std::string_view::npos ? accept_encoding.size()
                                                                  : comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    const std::size_t semicolon = item.find(';');
    std::string_view name = item.substr(0, semicolon);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name != "gzip" && name != "*") continue;
    const std::string_view weight =
        semicolon == std::string_view::npos ? std::string_view() : item.substr(semicolon + 1);
    const std::size_t q = weight.find("q=");
    return q == std::string_view::npos ||
           weight.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

void compress_xml(const RequestHead& head, Reply& reply) {
  if (reply.body.size() < kGzipBytesMin || head.method() == Method::Head) return;
  if (reply.fields.find("Content-Type: application/xml\r\n") == std::string::npos) return;
  reply.add("Vary", "Accept-Encoding");
  if (!accepts_gzip(head.value_or("accept-encoding", {}))) return;
  std::string packed = gzip(reply.body);
  if (packed.empty()) return;
  reply.body = std::move(packed);
  reply.add("Content-Encoding", "gzip");
}

}  // namespace coffer::gateway
