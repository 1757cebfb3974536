/// Connection: the reply.

#include <ctime>

#include "gateway/http/connection.h"
#include "gateway/http/date.h"
#include "gateway/http/exchange.h"
#include "gateway/http/worker_call.h"

namespace coffer::gateway {
namespace {

/// So much at a time has to be taken by the client within one progress timeout.
constexpr std::size_t kWriteBytesMax = 256 * 1024;

std::string head_text(const Exchange& exchange) {
  const Reply& reply = exchange.reply;
  std::string text;
  text.reserve(reply.fields.size() + 256);
  text.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ");
  text.append(reason_phrase(reply.status)).append("\r\nServer: Coffer\r\nDate: ");
  text.append(format_http_date(std::time(nullptr)));
  text.append("\r\nx-amz-request-id: ").append(exchange.head.request_id()).append("\r\n");
  text.append(reply.fields);
  // RFC 9110 §8.6: none with 204; with 304 only if it were the body's true length.
  if (reply.status != 204 && reply.status != 304) {
    const std::uint64_t length = reply.length_only ? *reply.length_only
                                 : reply.source    ? reply.source_length
                                                   : reply.body.size();
    text.append("Content-Length: ").append(std::to_string(length)).append("\r\n");
  }
  if (reply.close) {
    text.append("Connection: close\r\n");
  } else if (!exchange.parser.http_1_1()) {
    text.append("Connection: keep-alive\r\n");
  }
  text.append("\r\n");
  return text;
}

}  // namespace

Task<bool> Connection::write(std::span<const Bytes> pieces) {
  expires_in(state_.options.progress_timeout);
  const std::size_t n = co_await stream_.write(pieces);
  co_return n > 0;
}

Task<bool> Connection::send(Exchange& exchange) {
  std::string text = head_text(exchange);
  const Reply& reply = exchange.reply;
  const bool bodiless = reply.length_only || exchange.head.method() == Method::Head ||
                        reply.status == 204 || reply.status == 304;
  if (!bodiless && reply.source && reply.source_length > 0) {
    co_return co_await send_source(exchange, std::move(text));
  }
  const bool has_body = !bodiless && !reply.body.empty();
  const std::array<Bytes, 2> pieces{as_bytes(text), as_bytes(reply.body)};
  if (has_body) exchange.outcome.bytes_out = reply.body.size();
  co_return co_await write(std::span(pieces).first(has_body ? 2 : 1));
}

Task<bool> Connection::send_source(Exchange& exchange, std::string text) {
  Reply& reply = exchange.reply;
  WorkerCall reading(state_.workers, io_.context());
  std::uint64_t offset = reply.source_offset + exchange.source_ready;
  std::uint64_t left = reply.source_length - exchange.source_ready;
  Bytes ready = exchange.window(0).first(exchange.source_ready);
  Bytes head_bytes = as_bytes(text);
  bool good = true;
  for (std::size_t turn = 1; good && !ready.empty(); turn = 1 - turn) {
    const auto next_size =
        static_cast<std::size_t>(std::min<std::uint64_t>(exchange.window_bytes, left));
    bool read_whole = true;
    if (next_size > 0) {
      const MutableBytes next = exchange.window(turn).first(next_size);
      // The worker alone writes read_whole until it was awaited.
      good = reading.start([&reply, &read_whole, next, offset] {
        const auto n = reply.source->read(offset, next);
        read_whole = n && *n == next.size();
      });
    }
    Bytes rest = ready;
    while (good && !rest.empty()) {
      const Bytes piece = rest.first(std::min(kWriteBytesMax, rest.size()));
      const std::array<Bytes, 2> pieces{head_bytes, piece};
      good = co_await write(std::span(pieces).subspan(head_bytes.empty() ? 1 : 0));
      head_bytes = {};
      rest = rest.subspan(piece.size());
      exchange.outcome.bytes_out += piece.size();
    }
    never_expires();
    co_await reading;
    // A body that cannot be read on ends early; the client sees that from its length.
    good = good && read_whole;
    ready = next_size > 0 ? Bytes(exchange.window(turn).first(next_size)) : Bytes();
    offset += next_size;
    left -= next_size;
  }
  co_return good;
}

}  // namespace coffer::gateway
