#pragma once
/// LineSocket: one JSON value per line over a unix socket; both ends of the control protocol.
///
/// Request   {"do": "status", ...}
/// Answers   any number of {"progress": {"done": N, "total": N}}, then one {"ok": VALUE} or
///           {"error": {"code": "Busy", "message": "..."}}
/// Secrets   never stand in a JSON value, which would leave copies in memory: a request says how long they are, {"secrets": [N, ...]},
///           the other end answers {"send": "secrets"}, and then they follow as they are, from locked memory into locked memory.
///
/// Owns      the descriptor.
/// Threads   one at a time.
/// Errors    Io, TimedOut, Corrupt (a line that is too long or not JSON), Cancelled (interrupted).

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "coffer/core/error.h"
#include "coffer/vault/secret_string.h"

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

  Result<void> send_secret(const SecretString& secret);
  /// @pre the other end sends nothing before it was told to
  Result<SecretString> receive_secret(std::size_t size, int timeout_ms = -1, int interrupt = -1);

  /// Who listened when this end connected.
  [[nodiscard]] Result<std::uint32_t> peer_user() const;

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  Result<void> send_all(std::string_view bytes);

  int descriptor_;
  std::string pending_;
};

nlohmann::json to_json(const Error& error);
Error error_from_json(const nlohmann::json& value);

}  // namespace coffer::cli
