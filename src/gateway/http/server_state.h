#pragma once
/// ServerState: what all connections of one server share.
///
/// Threads   constant after start, or synchronised by itself.

#include <atomic>
#include <cstdint>

#include "coffer/core/buffer.h"
#include "coffer/core/executor.h"
#include "gateway/http/handler.h"
#include "gateway/http/server.h"

namespace coffer::gateway {

/// Counts up to a limit; a share is given back by hand.
class Quota {
 public:
  explicit Quota(std::size_t limit) : limit_(limit) {}
  bool take(std::size_t n) { return take(n, limit_); }
  /// Only if no more than `ceiling` is used with it. @pre ceiling <= limit
  bool take(std::size_t n, std::size_t ceiling) {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (used > ceiling || n > ceiling - used) return false;
    } while (!used_.compare_exchange_weak(used, used + n, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t n) { used_.fetch_sub(n, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

struct ServerState {
  ServerState(const ServerOptions& server_options, Handler& request_handler);

  /// 16 hex digits, different for every request of this process.
  std::string next_request_id();

  const ServerOptions options;
  Handler& handler;
  BufferPool buffers;
  Executor workers;
  Executor committers;
  Quota connections;
  Quota requests;
  Quota windows;  // in bytes
  std::atomic<bool> draining{false};

 private:
  const std::uint64_t id_seed_;
  std::atomic<std::uint64_t> id_count_{0};
};

}  // namespace coffer::gateway
