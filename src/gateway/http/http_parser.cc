#include "gateway/http/http_parser.h"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace coffer::gateway {

namespace http = boost::beast::http;
using boost::system::error_code;

struct HttpParser::Impl {
  http::request_parser<http::buffer_body> parser;
};

namespace {

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::Get;
    case http::verb::head:
      return Method::Head;
    case http::verb::put:
      return Method::Put;
    case http::verb::post:
      return Method::Post;
    case http::verb::delete_:
      return Method::Delete;
    case http::verb::options:
      return Method::Options;
    default:
      return Method::Other;
  }
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

HttpParser::HttpParser(std::size_t header_bytes_max) : impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
  impl_->parser.body_limit(boost::none);  // the operations know their limits
}

HttpParser::~HttpParser() = default;

HttpParser::Progress HttpParser::head(Bytes in) {
  Progress progress;
  auto& parser = impl_->parser;
  while (!parser.is_header_done()) {
    const Bytes rest = in.subspan(progress.consumed);
    if (rest.empty()) return progress;
    error_code error;
    progress.consumed += parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == http::error::need_more) return progress;
    if (error) {
      progress.status = error == http::error::header_limit ? Status::TooLarge : Status::Malformed;
      return progress;
    }
  }
  progress.status = Status::Done;
  return progress;
}

void HttpParser::describe(RequestHead& head) const {
  const auto& message = impl_->parser.get();
  std::size_t bytes = message.method_string().size() + message.target().size();
  for (const auto& field : message) bytes += field.name_string().size() + field.value().size();
  head.reserve(bytes);
  head.set_line(method_of(message.method()), view(message.method_string()), view(message.target()));
  for (const auto& field : message) head.add_field(view(field.name_string()), view(field.value()));
  if (framing() != Framing::Chunked) head.set_content_length(content_length());
}

HttpParser::Framing HttpParser::framing() const {
  if (impl_->parser.chunked()) return Framing::Chunked;
  const auto length = content_length();
  return length && *length > 0 ? Framing::Length : Framing::None;
}

std::optional<std::uint64_t> HttpParser::content_length() const {
  const auto length = impl_->parser.content_length();
  if (!length) return std::nullopt;
  return *length;
}

bool HttpParser::keep_alive() const { return impl_->parser.keep_alive(); }
bool HttpParser::http_1_1() const { return impl_->parser.get().version() >= 11; }

HttpParser::Progress HttpParser::chunked_body(Bytes in, MutableBytes out) {
  Progress progress;
  auto& parser = impl_->parser;
  auto& body = parser.get().body();
  body.data = out.data();
  body.size = out.size();
  body.more = true;
  while (!parser.is_done()) {
    const Bytes rest = in.subspan(progress.consumed);
    if (rest.empty() || body.size == 0) break;
    error_code error;
    progress.consumed += parser.put(boost::asio::const_buffer(rest.data(), rest.size()), error);
    if (error == http::error::need_more || error == http::error::need_buffer) break;
    if (error) {
      progress.status = Status::Malformed;
      return progress;
    }
  }
  progress.produced = out.size() - body.size;
  if (parser.is_done())
    progress.status = Status::Done;
  else if (body.size == 0)
    progress.status = Status::NeedRoom;
  return progress;
}

}  // namespace coffer::gateway
