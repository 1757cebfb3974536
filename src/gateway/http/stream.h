#pragma once
/// Stream: one TCP or TLS connection as awaitable reads and writes.
///
/// Threads   its event loop's thread.
/// Errors    false (or 0 bytes) when the peer closed, the socket failed, or close() was called.

#include <boost/asio/ip/tcp.hpp>
#include <coroutine>
#include <memory>
#include <span>
#include <string>

#include "coffer/core/bytes.h"

namespace boost::asio::ssl {
class context;
}

namespace coffer::gateway {

class Stream {
 public:
  /// `tls` may be null: plain TCP. It outlives the stream.
  Stream(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// One operation on its way; lives in the frame of who awaits it.
  class Operation {
   public:
    enum class Kind { Handshake, Read, Write, Shutdown };
    Operation(Stream& stream, Kind kind, MutableBytes in, std::span<const Bytes> out)
        : stream_(stream), kind_(kind), in_(in), out_(out) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      stream_.start(*this);
    }
    /// Bytes moved; 0 on failure (a handshake gives 1).
    [[nodiscard]] std::size_t await_resume() const noexcept { return moved_; }

   private:
    friend class Stream;
    Stream& stream_;
    Kind kind_;
    MutableBytes in_;
    std::span<const Bytes> out_;
    std::size_t moved_ = 0;
    std::coroutine_handle<> waiter_;
  };

  Operation handshake() { return {*this, Operation::Kind::Handshake, {}, {}}; }
  /// At least one byte, at most in.size(). @pre !in.empty()
  Operation read_some(MutableBytes in) { return {*this, Operation::Kind::Read, in, {}}; }
  /// All of `out`, which stays where it is until then; at most kPiecesMax pieces.
  Operation write(std::span<const Bytes> out) { return {*this, Operation::Kind::Write, {}, out}; }
  /// TLS's close_notify; nothing on plain TCP.
  Operation shutdown() { return {*this, Operation::Kind::Shutdown, {}, {}}; }

  static constexpr std::size_t kPiecesMax = 3;

  [[nodiscard]] bool encrypted() const { return tls_ != nullptr; }
  /// The other side's address, without its port; empty when it is gone.
  [[nodiscard]] std::string peer();
  /// Sends FIN; reads go on.
  void shutdown_send();
  /// Pending operations fail.
  void close();

 private:
  struct Tls;
  void start(Operation& operation);
  boost::asio::ip::tcp::socket& socket();

  boost::asio::ip::tcp::socket plain_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace coffer::gateway
