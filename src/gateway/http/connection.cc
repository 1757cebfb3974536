#include "gateway/http/connection.h"

#include <boost/beast/core/string.hpp>

#include "gateway/http/exchange.h"

namespace coffer::gateway {
namespace {

/// "chunked" is the one transfer coding that is undone here; to store the others as they come would be
/// to store other bytes than were meant.
bool has_known_coding(const RequestHead& head) {
  std::size_t codings = 0;
  for (const HeaderField& field : head.fields()) {
    if (field.name != "transfer-encoding") continue;
    if (++codings > 1 || !boost::beast::iequals(field.value, "chunked")) return false;
  }
  return true;
}

}  // namespace

void Connection::start(ServerState& state, IoThread& io, boost::asio::ip::tcp::socket socket,
                       boost::asio::ssl::context* tls) {
  auto* connection = new Connection(state, io, std::move(socket), tls);
  start_detached(connection->run(), [connection] { delete connection; });
}

Connection::Connection(ServerState& state, IoThread& io, boost::asio::ip::tcp::socket socket,
                       boost::asio::ssl::context* tls)
    : state_(state), io_(io), stream_(std::move(socket), tls), peer_(stream_.peer()) {
  expires_in(state_.options.header_timeout);
  io_.add(*this);
}

Connection::~Connection() {
  io_.remove(*this);
  stream_.close();
  state_.connections.give_back(1);
}

void Connection::drain() {
  if (idle_) close_socket();
}

Task<void> Connection::run() {
  if (stream_.encrypted() && co_await stream_.handshake() == 0) co_return;
  Next next = Next::KeepAlive;
  while (next == Next::KeepAlive && !state_.draining.load(std::memory_order_relaxed)) {
    Exchange exchange(state_);
    exchange.head.set_request_id(state_.next_request_id());
    exchange.head.set_encrypted(stream_.encrypted());
    exchange.head.set_peer(peer_);
    if (!co_await read_head(exchange)) break;
    next = co_await serve(exchange);
  }
  if (stream_.encrypted()) {
    expires_in(std::chrono::seconds(2));
    co_await stream_.shutdown();
  }
}

Task<bool> Connection::fill_input(std::size_t capacity_max) {
  const MutableBytes room = input_.room(capacity_max);
  if (room.empty()) co_return false;
  const std::size_t n = co_await stream_.read_some(room);
  input_.add(n);
  co_return n > 0;
}

/// False when there is no request to serve: the client went away, or what it sent was answered
/// here.
Task<bool> Connection::read_head(Exchange& exchange) {
  idle_ = input_.empty();
  if (idle_) input_.shrink();
  expires_in(idle_ ? state_.options.idle_timeout : state_.options.header_timeout);
  HttpParser::Progress progress;
  std::size_t head_bytes = 0;
  bool begun = false;
  while (true) {
    // Some clients end a body with a line break too many (RFC 9112 §2.2).
    while (!begun && !input_.empty() &&
           (input_.bytes()[0] == std::byte{'\r'} || input_.bytes()[0] == std::byte{'\n'})) {
      input_.consume(1);
    }
    if (!input_.empty()) {
      if (!begun) {
        begun = true;
        idle_ = false;
        expires_in(state_.options.header_timeout);
        exchange.started = std::chrono::steady_clock::now();
      }
      progress = exchange.parser.head(input_.bytes());
      input_.consume(progress.consumed);
      head_bytes += progress.consumed;
      // The parser's own limit is one of each piece that it is given.
      if (head_bytes > state_.options.header_bytes_max)
        progress.status = HttpParser::Status::TooLarge;
      if (progress.status != HttpParser::Status::NeedMore) break;
    }
    if (!co_await fill_input(state_.options.header_bytes_max + 1024)) {
      if (input_.size() < state_.options.header_bytes_max) co_return false;
      progress.status = HttpParser::Status::TooLarge;
      break;
    }
  }
  HttpFailure failure = progress.status == HttpParser::Status::TooLarge
                            ? HttpFailure::HeaderTooLarge
                            : HttpFailure::Malformed;
  if (progress.status == HttpParser::Status::Done) {
    exchange.parser.describe(exchange.head);
    if (has_known_coding(exchange.head)) co_return true;
    failure = HttpFailure::UnknownCoding;
  }
  exchange.reply = state_.handler.failure(exchange.head, failure);
  exchange.reply.close = true;
  if (co_await send(exchange)) co_await linger();
  co_return false;
}

Task<Connection::Next> Connection::serve(Exchange& exchange) {
  const bool chunked = exchange.parser.framing() == HttpParser::Framing::Chunked;
  exchange.body_left = chunked ? 0 : exchange.head.content_length().value_or(0);
  exchange.body_done = !chunked && exchange.body_left == 0;
  exchange.expects_continue =
      exchange.parser.http_1_1() && exchange.head.value_or("expect", {}).starts_with("100-");
  exchange.running = state_.requests.take(1);
  if (exchange.running) {
    co_await begin(exchange);
  } else {
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::Overloaded);
    exchange.replied = true;
  }
  bool whole = true;
  if (!exchange.replied) whole = co_await take_body(exchange);

  // What is left of a refused body is read if it is short; else the connection cannot go on.
  bool drained = exchange.body_done;
  if (!drained && whole && !exchange.expects_continue) drained = co_await discard_body(exchange);
  // After a final answer in the place of the 100 botocore misreads the next one on the connection.
  if (!drained || exchange.expects_continue || !exchange.parser.keep_alive() || state_.draining) {
    exchange.reply.close = true;
  }
  const bool sent = co_await send(exchange);
  exchange.outcome.status = exchange.reply.status;
  exchange.outcome.duration = std::chrono::steady_clock::now() - exchange.started;
  state_.handler.completed(exchange.head, exchange.outcome);
  if (sent && !drained) co_await linger();
  co_return sent && !exchange.reply.close ? Next::KeepAlive : Next::Close;
}

}  // namespace coffer::gateway
