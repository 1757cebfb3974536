#pragma once
/// VaultDaemon: one open vault with its doors (mount, gateway) and its control socket.
///
/// Owns      all of them. Order of closing: gateway, mount, requests under way, vault, socket.
/// Borrows   the StopSignal.
/// Threads   start and close from one thread; close is idempotent.
/// Errors    start: whatever the vault or a door says; nothing stays open then.

#include <memory>
#include <optional>
#include <string>

#include "cli/stop_signal.h"
#include "coffer/core/error.h"
#include "coffer/fuse/mount.h"
#include "coffer/gateway/gateway.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {

struct Doors {
  std::optional<fuse::MountOptions> mount;
  std::optional<GatewayOptions> gateway;
};

class VaultDaemon {
 public:
  static Result<std::unique_ptr<VaultDaemon>> start(const OpenOptions& open,
                                                    const Credential& credential, Doors doors,
                                                    StopSignal& stop);
  ~VaultDaemon();
  VaultDaemon(const VaultDaemon&) = delete;
  VaultDaemon& operator=(const VaultDaemon&) = delete;

  /// "s3: http://127.0.0.1:9000\n" and what else a person wants to know at the start.
  [[nodiscard]] std::string greeting() const;
  Result<void> close();

 private:
  struct Impl;
  explicit VaultDaemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::cli
