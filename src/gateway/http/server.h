#pragma once
/// Server: HTTP/1.1 over TCP and TLS: listener, I/O threads, workers, limits, graceful stop.
///
/// Owns      its threads, sockets and buffers. Borrows the handler, which outlives it.
/// Threads   each connection lives on one I/O thread; the handler runs on workers. start() and
/// stop()
///           from the owner's thread.
/// Errors    start: InvalidArgument (address, TLS files), Busy (address in use), Io.
/// Bounds    connections, requests that run, header bytes, bytes in windows; beyond them 503 or
/// close,
///           never growth.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "coffer/core/error.h"
#include "gateway/http/handler.h"

namespace coffer::gateway {

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::string tls_certificate;
  std::string tls_key;
  unsigned io_threads = 1;
  unsigned workers = 4;  // reads, hashing, storing
  unsigned committers =
      32;  // changes: most of them wait for a sync, and group commit joins only those
  std::size_t connections_max = 4096;
  std::size_t requests_max = 2048;  // that run at one time
  std::size_t header_bytes_max = 32 * 1024;
  std::size_t window_bytes = std::size_t{1} << 20;          // a request has two
  std::size_t window_bytes_total = std::size_t{192} << 20;  // of all requests, with what sinks hold
  std::chrono::seconds idle_timeout{75};
  std::chrono::seconds header_timeout{30};
  std::chrono::seconds progress_timeout{60};  // without a byte moving
  std::chrono::seconds drain_timeout{10};
};

/// What the server holds now; for metrics.
struct ServerLoad {
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t window_bytes = 0;
  std::size_t queued = 0;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Handler& handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where it listens: "127.0.0.1:9000", "[::1]:9000".
  [[nodiscard]] std::string local_endpoint() const;
  [[nodiscard]] ServerLoad load() const;
  /// Stops accepting, lets requests finish for drain_timeout, then closes. May be called again.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::gateway
