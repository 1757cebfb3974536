#pragma once
/// Handler and BodySink: what the HTTP server asks of whoever answers requests.
///
/// A request is begun on a worker with its head alone. Either it is answered from that, or a
/// BodySink takes the body, window by window, and answers at its end:
///
///   begin(head) ─► Reply
///        └───────► BodySink:  unframe (I/O thread) ─► verify ∥ store (workers) … ─► finish
///        (worker)
///
/// Threads   begin, verify, store and finish run on workers and may block. verify and store of one
///           window run at the same time; nothing else of one sink does.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "gateway/http/reply.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

/// Destroyed before finish() returned: nothing of the request may remain.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Takes the framing off in place; returns how many bytes of payload are now at the front of
  /// `raw`. Quick and without blocking: it runs on an I/O thread.
  virtual std::size_t unframe(MutableBytes raw) = 0;
  virtual void verify(Bytes payload) = 0;
  virtual void store(Bytes payload) = 0;
  /// Memory that it holds beside its windows, once `payload_bytes` more are stored. It counts as the windows do: a request
  /// for which there is no room is refused. Called between windows.
  [[nodiscard]] virtual std::size_t bytes_held(std::size_t payload_bytes) const {
    static_cast<void>(payload_bytes);
    return 0;
  }
  /// Something went wrong: no more of the body is wanted, finish() gives the answer.
  [[nodiscard]] virtual bool failed() const = 0;
  virtual Reply finish() = 0;
};

/// One of the two.
struct Admission {
  std::optional<Reply> reply;
  std::unique_ptr<BodySink> sink;
};

/// Failures that the server itself finds.
enum class HttpFailure {
  Malformed,
  HeaderTooLarge,
  UnknownCoding,  // of the transfer
  Overloaded,
  BodyIncomplete,
  SourceFailed
};

struct RequestOutcome {
  int status = 0;
  std::uint64_t bytes_in = 0;   // of the body
  std::uint64_t bytes_out = 0;  // of the body
  std::chrono::nanoseconds duration{};
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual Admission begin(const RequestHead& head) = 0;
  /// Any thread, must not block.
  virtual Reply failure(const RequestHead& head, HttpFailure failure) = 0;
  /// After the reply was sent or given up. Any thread, must not block.
  virtual void completed(const RequestHead& head, const RequestOutcome& outcome) = 0;
};

}  // namespace coffer::gateway
