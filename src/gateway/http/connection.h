#pragma once
/// Connection: one client's socket and the requests that come over it, one after the other.
///
///   accept ─► [handshake] ─► wait for a head ─► begin on a worker ─┬─► send the reply ─► next head
///                                    ▲                             └─► take the body ─► send ─┐
///                                    └────────────────────────────────────────────────────────┘
/// While a window of a body is on its way through the workers, the next one is read from the
/// socket; while a window is sent, the next one is read from the source. Both hold two windows,
/// never more.
///
/// Owns      itself: start() makes it, it ends with its last request or its socket.
/// Threads   its IoThread's; what runs on workers is awaited before anything that it refers to
///           goes.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "gateway/http/handler.h"
#include "gateway/http/input_buffer.h"
#include "gateway/http/io_thread.h"
#include "gateway/http/server_state.h"
#include "gateway/http/stream.h"
#include "gateway/http/task.h"

namespace coffer::gateway {

struct Exchange;  // one request and its reply

class Connection {
 public:
  /// Called on the thread of `io`. Takes one share of state.connections, which was taken by the
  /// caller.
  static void start(ServerState& state, IoThread& io, boost::asio::ip::tcp::socket socket,
                    boost::asio::ssl::context* tls);

  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const { return deadline_; }
  void close_socket() { stream_.close(); }
  void drain();

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

 private:
  Connection(ServerState& state, IoThread& io, boost::asio::ip::tcp::socket socket,
             boost::asio::ssl::context* tls);

  enum class Next { KeepAlive, Close };

  Task<void> run();
  Task<bool> read_head(Exchange& exchange);
  Task<Next> serve(Exchange& exchange);
  Task<bool> fill_input(std::size_t capacity_max);

  // connection_receive.cc
  Task<void> begin(Exchange& exchange);
  void begin_on_worker(Exchange& exchange);
  bool start_source(Exchange& exchange);
  Task<bool> take_body(Exchange& exchange);
  Task<std::size_t> fill_window(Exchange& exchange, MutableBytes window);
  Task<std::size_t> fill_chunked(Exchange& exchange, MutableBytes window);
  Task<bool> discard_body(Exchange& exchange);
  Task<void> linger();

  // connection_send.cc
  Task<bool> send(Exchange& exchange);
  Task<bool> send_source(Exchange& exchange, std::string head_text);
  Task<bool> write(std::span<const Bytes> pieces);

  void expires_in(std::chrono::seconds timeout) {
    deadline_ = std::chrono::steady_clock::now() + timeout;
  }
  void never_expires() { deadline_ = std::chrono::steady_clock::time_point::max(); }

  ServerState& state_;
  IoThread& io_;
  Stream stream_;
  const std::string peer_;
  std::chrono::steady_clock::time_point deadline_;
  InputBuffer input_;  // read and not yet parsed
  bool idle_ = false;  // between two requests
};

}  // namespace coffer::gateway
