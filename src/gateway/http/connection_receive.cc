/// Connection: from the head of a request to the end of its body.

#include <limits>

#include "coffer/core/log.h"
#include "gateway/http/connection.h"
#include "gateway/http/exchange.h"
#include "gateway/http/worker_call.h"

namespace coffer::gateway {
namespace {

/// Below it, hashing and storing on two workers costs more in hand-over than it wins.
constexpr std::size_t kParallelBytesMin = 128 * 1024;
constexpr std::uint64_t kDiscardBytesMax = 1024 * 1024;
constexpr std::size_t kChunkedInputBytes = 64 * 1024;
constexpr int kSourceTries = 10;

}  // namespace

Task<void> Connection::begin(Exchange& exchange) {
  never_expires();
  const Method method = exchange.head.method();
  const bool reads = method == Method::Get || method == Method::Head;
  WorkerCall call(reads ? state_.workers : state_.committers, io_.context());
  if (call.start([this, &exchange] { begin_on_worker(exchange); })) {
    co_await call;
  } else {
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::Overloaded);
    exchange.replied = true;
  }
}

/// All of a request whose body has already arrived, or that has none, is done in this one step: a
/// hand-over between threads costs as much as a small request.
void Connection::begin_on_worker(Exchange& exchange) {
  Admission admission = state_.handler.begin(exchange.head);
  exchange.sink = std::move(admission.sink);
  // Who waits for a 100 gets it also before an empty body, on the longer way through take_body().
  const bool waits = exchange.expects_continue && exchange.body_done;
  const bool here = exchange.parser.framing() != HttpParser::Framing::Chunked &&
                    exchange.body_left <= input_.size() && !waits;
  if (exchange.sink && here) {
    exchange.expects_continue = false;  // the body came without one
    const auto length = static_cast<std::size_t>(exchange.body_left);
    const MutableBytes raw = input_.mutable_bytes().first(length);
    const Bytes payload = raw.first(exchange.sink->unframe(raw));
    if (!exchange.sink->failed()) exchange.sink->verify(payload);
    if (!exchange.sink->failed()) exchange.sink->store(payload);
    admission.reply = exchange.sink->finish();
    exchange.outcome.bytes_in = length;
    input_.consume(length);
    exchange.body_left = 0;
    exchange.body_done = true;
  }
  if (!admission.reply) return;
  const bool had_body = exchange.sink != nullptr;
  exchange.sink.reset();
  exchange.reply = std::move(*admission.reply);
  exchange.replied = true;
  for (int tries = 1; !start_source(exchange); ++tries) {
    // Cut short at the mount after its size was read: asked again, the answer is about what it is now.
    if (!had_body && tries < kSourceTries) {
      admission = state_.handler.begin(exchange.head);
      if (admission.reply) {
        exchange.reply = std::move(*admission.reply);
        continue;
      }
    }
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::SourceFailed);
    return;
  }
}

/// Reads the first of the reply's body, while an error can still be told. False: the source is shorter than it said.
bool Connection::start_source(Exchange& exchange) {
  const Reply& reply = exchange.reply;
  if (!reply.source || reply.source_length == 0) return true;
  if (!exchange.take_windows(reply.source_length)) {
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::Overloaded);
    return true;
  }
  const auto first =
      static_cast<std::size_t>(std::min<std::uint64_t>(exchange.window_bytes, reply.source_length));
  const auto read = reply.source->read(reply.source_offset, exchange.window(0).first(first));
  if (!read) {
    log_warning("the body of a reply cannot be read: {}", read.error().context);
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::SourceFailed);
    return true;
  }
  if (*read < first) return false;
  exchange.source_ready = first;
  return true;
}

/// False when the client's body broke off: the connection is then of no use.
Task<bool> Connection::take_body(Exchange& exchange) {
  const bool chunked = exchange.parser.framing() == HttpParser::Framing::Chunked;
  const std::uint64_t expected =
      chunked ? std::numeric_limits<std::uint64_t>::max() : exchange.body_left;
  exchange.replied = true;
  if (!exchange.take_windows(expected)) {
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::Overloaded);
    co_return true;
  }
  if (exchange.expects_continue && (exchange.body_done || input_.empty())) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::array<Bytes, 1> pieces{as_bytes(kContinue)};
    if (!co_await write(pieces)) co_return false;
  }
  exchange.expects_continue = false;

  WorkerCall verify(state_.workers, io_.context());
  WorkerCall store(state_.workers, io_.context());
  BodySink& sink = *exchange.sink;
  bool whole = true;
  bool refused = false;
  for (std::size_t turn = 0; !exchange.body_done && whole && !refused; turn = 1 - turn) {
    const MutableBytes window = exchange.window(exchange.windows[1] ? turn : 0);
    const std::size_t n = co_await fill_window(exchange, window);
    never_expires();
    co_await verify;
    co_await store;
    exchange.outcome.bytes_in += n;
    whole = exchange.body_done || n == window.size();
    if (sink.failed() || !whole) break;
    const Bytes payload = window.first(sink.unframe(window.first(n)));
    if (sink.failed()) break;
    refused = !exchange.charge_sink(sink.bytes_held(payload.size()));
    if (refused) break;
    if (payload.size() < kParallelBytesMin) {
      refused = !store.start([&sink, payload] {
        sink.verify(payload);
        if (!sink.failed()) sink.store(payload);
      });
    } else {
      refused = !verify.start([&sink, payload] { sink.verify(payload); });
      if (!refused) refused = !store.start([&sink, payload] { sink.store(payload); });
    }
    // A lone window is in the workers' hands until they are done with it.
    if (!exchange.windows[1]) co_await store;
  }
  co_await verify;
  co_await store;
  if (!refused && whole) {
    WorkerCall finish(state_.committers, io_.context());
    refused = !finish.start([&exchange] { exchange.reply = exchange.sink->finish(); });
    co_await finish;
  }
  if (!whole)
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::BodyIncomplete);
  else if (refused)
    exchange.reply = state_.handler.failure(exchange.head, HttpFailure::Overloaded);
  // Dropping an unfinished sink removes what it stored, which may block.
  if (store.start([&exchange] { exchange.drop_sink(); })) co_await store;
  co_return whole;
}

/// Fills `window` unless the body ends first; fewer bytes without body_done: it broke off.
Task<std::size_t> Connection::fill_window(Exchange& exchange, MutableBytes window) {
  if (exchange.parser.framing() == HttpParser::Framing::Chunked) {
    co_return co_await fill_chunked(exchange, window);
  }
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), exchange.body_left));
  std::size_t have = std::min(wanted, input_.size());
  if (have > 0) std::memcpy(window.data(), input_.bytes().data(), have);
  input_.consume(have);
  while (have < wanted) {
    expires_in(state_.options.progress_timeout);
    const std::size_t n = co_await stream_.read_some(window.subspan(have, wanted - have));
    if (n == 0) break;
    have += n;
  }
  exchange.body_left -= have;
  exchange.body_done = exchange.body_left == 0;
  co_return have;
}

Task<std::size_t> Connection::fill_chunked(Exchange& exchange, MutableBytes window) {
  std::size_t have = 0;
  while (have < window.size()) {
    const auto progress = exchange.parser.chunked_body(input_.bytes(), window.subspan(have));
    input_.consume(progress.consumed);
    have += progress.produced;
    if (progress.status == HttpParser::Status::Done) {
      exchange.body_done = true;
      break;
    }
    if (progress.status == HttpParser::Status::Malformed) break;
    if (progress.status == HttpParser::Status::NeedRoom) continue;
    expires_in(state_.options.progress_timeout);
    if (!co_await fill_input(kChunkedInputBytes)) break;
  }
  co_return have;
}

/// Reads and drops the rest of a body; false when that is long, or broke off.
Task<bool> Connection::discard_body(Exchange& exchange) {
  if (exchange.body_left > kDiscardBytesMax) co_return false;
  const BufferRef scratch = state_.buffers.take(Exchange::kWindowBytesMin);
  std::uint64_t dropped = 0;
  while (!exchange.body_done && dropped < kDiscardBytesMax) {
    const std::size_t n = co_await fill_window(exchange, scratch.span());
    if (n < scratch.capacity() && !exchange.body_done) co_return false;
    dropped += n;
  }
  co_return exchange.body_done;
}

/// Closing with unread bytes would reset the connection and lose the reply (RFC 9112 §9.6): send
/// FIN, then read on for a moment.
Task<void> Connection::linger() {
  if (stream_.encrypted()) co_return;
  stream_.shutdown_send();
  expires_in(std::chrono::seconds(2));
  const BufferRef scratch = state_.buffers.take(Exchange::kWindowBytesMin);
  for (std::uint64_t dropped = 0; dropped < 4 * kDiscardBytesMax;) {
    const std::size_t n = co_await stream_.read_some(scratch.span());
    if (n == 0) break;
    dropped += n;
  }
}

}  // namespace coffer::gateway
