#pragma once
/// ControlClient: finds the daemon that has a vault open, and asks it.
///
/// Threads   one.
/// Errors    find: none is an answer (nullopt). ask: what the daemon said, or Io.

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
  static std::optional<ControlClient> find(const std::string& place,
                                           const std::vector<std::string>& more_volumes = {});

  /// Sends a request and returns what follows "ok".
  Result<nlohmann::json> ask(const nlohmann::json& request, const ReportProgress& progress = {});
  /// The same with secrets behind it, at most as many and as long as a daemon takes.
  Result<nlohmann::json> ask(nlohmann::json request, std::span<const SecretString> secrets);
  /// Waits until the daemon's process let go of the connection.
  void wait_closed();

 private:
  Result<nlohmann::json> receive_answer(const ReportProgress& progress);
  explicit ControlClient(LineSocket socket) : socket_(std::move(socket)) {}
  static std::optional<ControlClient> reach(const std::string& socket);

  LineSocket socket_;
};

}  // namespace coffer::cli
