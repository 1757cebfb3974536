#pragma once
/// scrub_keyless: every shard file that is there held against its checksums and against parity, without a key: for whoever keeps
/// the disks and not the passphrase. Finds what rotted; who forges checksums needs the keys to be caught. Changes nothing.
///
/// Threads   the caller's. Errors: Cancelled, Io.

#include "coffer/vault/upkeep.h"
#include "coffer/vault/uuid.h"
#include "vault/volume/volume_set.h"

namespace coffer {

/// @pre the volumes are locked: what an open vault is writing would look damaged
Result<UpkeepReceipt> scrub_keyless(VolumeSet& volumes, VaultUuid vault,
                                    const UpkeepOptions& options);

}  // namespace coffer
