#pragma once
/// ControlClient: finds the daemon that has a vault open, and asks it.
///
/// Threads   one.
/// Errors    find: none is an answer (nullopt). ask: what the daemon said, or Io.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/control_server.h"
#include "cli/line_socket.h"
#include "coffer/core/error.h"

namespace coffer::cli {

class ControlClient {
 public:
  /// The daemon of the vault that `place`, a volume or a mountpoint, belongs to. It asks every
  /// daemon of this machine, so it also finds one whose volume `place` has since been lost.
  ///
  /// Anybody may listen where root looks. So only root's daemons and the caller's own are believed; root believes
  /// another user's about one thing, a mount that the kernel says is that user's.
  static std::optional<ControlClient> find(const std::string& place,
                                           const std::vector<std::string>& more_volumes = {});

  /// Sends a request and returns what follows "ok".
  Result<nlohmann::json> ask(const nlohmann::json& request, const ReportProgress& progress = {});
  /// The same with secrets behind it, at most as many and as long as a daemon takes. Permission: another user's daemon gets none.
  Result<nlohmann::json> ask(nlohmann::json request, std::span<const SecretString> secrets);
  /// Waits until the daemon's process let go of the connection.
  void wait_closed();

 private:
  Result<nlohmann::json> receive_answer(const ReportProgress& progress);
  ControlClient(LineSocket socket, std::uint32_t user) : socket_(std::move(socket)), user_(user) {}
  static std::optional<ControlClient> reach(const std::string& socket);
  /// Root's, or of the user who asks.
  [[nodiscard]] bool is_trusted() const;

  LineSocket socket_;
  std::uint32_t user_;  // whose daemon it is
};

}  // namespace coffer::cli
