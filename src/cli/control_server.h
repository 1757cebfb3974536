#pragma once
/// ControlServer: the unix socket on which a daemon answers status, fsck, s3-key and unmount.
///
/// Owns      the listening socket (its file is removed by close_door()), its threads.
/// Threads   start, close_door and the destructor from one thread; the handler runs on many.
/// Bounds    kConnectionsMax at once; more wait in the socket's queue.
/// Errors    start: Io.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "coffer/core/error.h"
#include "coffer/vault/secret_string.h"
#include "coffer/vault/uuid.h"

namespace coffer::cli {

/// False: nobody waits for the answer any more.
using ReportProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

class ControlServer {
 public:
  using Handler =
      std::function<Result<nlohmann::json>(const nlohmann::json& request, const ReportProgress&)>;
  /// For requests that bring secrets (line_socket.h).
  using SecretHandler = std::function<Result<nlohmann::json>(const nlohmann::json& request,
                                                             std::span<const SecretString>)>;
  static constexpr std::size_t kSecretsMax = 2;
  static constexpr std::size_t kSecretBytesMax = std::size_t{1} << 20;

  /// The caller has the vault's lock: a socket that is there already was left by a daemon that died.
  static Result<std::unique_ptr<ControlServer>> start(const Uuid& vault, Handler handler,
                                                      SecretHandler secret_handler = {});
  /// Ends idle connections and waits for requests under way to be answered.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Takes no new connections and removes the socket, unless the next daemon of the vault has put its own there.
  void close_door();

 private:
  struct Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::cli
