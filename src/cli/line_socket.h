#pragma once
/// LineSocket: one JSON value per line over a unix socket; both ends of the control protocol.
///
/// Request   {"do": "status", ...}
/// Answers   any number of {"progress": {"done": N, "total": N}}, then one {"ok": VALUE} or
///           {"error": {"code": "Busy", "message": "..."}}
///
/// Owns      the descriptor.
/// Threads   one at a time.
/// Errors    Io, TimedOut, Corrupt (a line that is too long or not JSON), Cancelled (interrupted).

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "coffer/core/error.h"

namespace coffer::cli {

class LineSocket {
 public:
  explicit LineSocket(int descriptor) : descriptor_(descriptor) {}
  ~LineSocket();
  LineSocket(LineSocket&& other) noexcept;
  LineSocket& operator=(LineSocket&&) = delete;
  LineSocket(const LineSocket&) = delete;
  LineSocket& operator=(const LineSocket&) = delete;

  static Result<LineSocket> connect(const std::string& path);

  Result<void> send(const nlohmann::json& value);
  /// nullopt: the other end closed. `interrupt`: a descriptor that ends the wait when it becomes
  /// readable, or -1.
  Result<std::optional<nlohmann::json>> receive(int timeout_ms = -1, int interrupt = -1);

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::string pending_;
};

nlohmann::json to_json(const Error& error);
Error error_from_json(const nlohmann::json& value);

}  // namespace coffer::cli
