#pragma once
/// Exchange: one request and its reply while they are under way on a connection.
///
/// Owns      the request's head, sink, reply and its two windows; gives the quota of windows and sink back at its
///           end.

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "gateway/http/handler.h"
#include "gateway/http/http_parser.h"
#include "gateway/http/server_state.h"

namespace coffer::gateway {

struct Exchange {
  static constexpr std::size_t kWindowBytesMin = 16 * 1024;

  explicit Exchange(ServerState& server) : state(server), parser(server.options.header_bytes_max) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    if (running) state.requests.give_back(1);
    give_windows_back();
    state.windows.give_back(sink_quota);
  }

  /// Two windows that suit a body of `length` bytes; one where one holds it all. The fuller the memory of
  /// all requests is, the smaller they are, so that a few large bodies cannot shut the many out. False when
  /// there is no room even for small ones. Any thread.
  bool take_windows(std::uint64_t length) {
    give_windows_back();
    const std::size_t wanted = state.options.window_bytes;
    const std::size_t total = state.options.window_bytes_total;
    std::size_t ceiling = total / 2;
    if (length <= wanted) {
      const std::size_t size = std::max(kWindowBytesMin, static_cast<std::size_t>(length));
      if (state.windows.take(size, size == kWindowBytesMin ? total : ceiling)) {
        windows_quota = size;
        windows[0] = state.buffers.take(size);
        window_bytes = size;
        return true;
      }
    }
    for (std::size_t size = wanted; size >= kWindowBytesMin; size /= 4) {
      if (size / 4 < kWindowBytesMin) ceiling = total;
      if (state.windows.take(2 * size, ceiling)) {
        windows_quota = 2 * size;
        for (BufferRef& window : windows) window = state.buffers.take(size);
        window_bytes = size;
        return true;
      }
      ceiling += (total - ceiling) / 2;
    }
    return false;
  }
  void give_windows_back() {
    windows = {};
    state.windows.give_back(std::exchange(windows_quota, 0));
  }
  /// What the sink holds is now `bytes`; false when there is no room for more than it had.
  bool charge_sink(std::size_t bytes) {
    if (bytes <= sink_quota) return true;
    if (!state.windows.take(bytes - sink_quota)) return false;
    sink_quota = bytes;
    return true;
  }
  void drop_sink() {
    sink.reset();
    state.windows.give_back(std::exchange(sink_quota, 0));
  }
  [[nodiscard]] MutableBytes window(std::size_t which) const {
    return windows[which].span().first(window_bytes);
  }

  ServerState& state;
  HttpParser parser;
  RequestHead head;
  std::chrono::steady_clock::time_point started;

  std::unique_ptr<BodySink> sink;
  std::uint64_t body_left = 0;  // with a Content-Length
  bool body_done = false;
  bool expects_continue = false;

  Reply reply;
  bool replied = false;          // `reply` is set
  std::size_t source_ready = 0;  // bytes of the source that are already in window 0

  std::array<BufferRef, 2> windows;
  std::size_t window_bytes = 0;
  std::size_t windows_quota = 0;
  std::size_t sink_quota = 0;
  bool running = false;  // holds a share of state.requests
  RequestOutcome outcome;
};

}  // namespace coffer::gateway
