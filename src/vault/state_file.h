#pragma once
/// StateFile: what this machine has seen of a vault, outside of its volumes: the newest configuration's epoch and digest. A whole
/// vault that was rolled back, or a stale half that pretends to be all, is known by it (invariant 15).
///
/// Best effort: where it cannot be written a warning is logged, and the vault goes on without that protection.
/// Format    one line of text: "coffer-state 1 <epoch> <digest in hex>".

#include <optional>
#include <string>

#include "vault/volume/configuration.h"

namespace coffer {

class StateFile {
 public:
  /// `directory` empty: /var/lib/coffer for root, else $XDG_STATE_HOME/coffer or ~/.local/state/coffer. "-": none.
  StateFile(std::string directory, VaultUuid vault);
  [[nodiscard]] std::optional<KnownConfiguration> known() const;
  void remember(const Superblock& configuration);

 private:
  std::string path_;  // empty: nowhere to keep it
};

}  // namespace coffer
