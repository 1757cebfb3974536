#pragma once
/// Opening a vault whose last daemon may still be closing it: `umount MNT; mount MNT` must work, and umount(8) returns when the
/// kernel is done, which is before the daemon is.

#include <memory>

#include "coffer/core/error.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {

/// Vault::open(), tried again for some seconds while another process of this machine holds the vault.
Result<std::unique_ptr<Vault>> open_vault(const OpenOptions& open, const Credential& credential);

}  // namespace coffer::cli
