#pragma once
/// VaultKeys: the key slots of an opened vault: who can unlock it.
///
/// Every change needs a credential that opens a slot now: whoever merely reaches an open vault cannot make himself a key for later.
///
/// Threads   everything from any thread; changes are ordered. A change is slow by intent (Argon2id).
/// Errors    WrongKey (the proof opens no slot), ReadOnly, InvalidArgument (the last slot; a secret that cannot be one), NotFound,
///           TooLarge (32 slots), NoSpace. After any other failure the vault is read-only, and the next opening finds the slots of
///           before or those of after.
/// Durable   on return: what was added opens the vault, what was removed does not, whichever m volumes are lost.

#include <string>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/credential.h"

namespace coffer {

struct KeySlotChange {
  SlotInfo slot;  // that was added, or removed
  /// Volumes that hold the slots of before until they are written again: they are away, or took no writes.
  std::vector<std::string> old_copies;
};

class VaultKeys {
 public:
  virtual ~VaultKeys() = default;
  virtual Result<std::vector<SlotInfo>> list() = 0;
  virtual Result<KeySlotChange> add(const Credential& proof, const Credential& added,
                                    KdfCost cost) = 0;
  /// Whoever has a copy of the slots of before can go on using it until the master key is another one.
  virtual Result<KeySlotChange> remove(const Credential& proof, SlotId slot) = 0;
};

/// A recovery key, freshly drawn: its secret is the text to print.
Credential make_recovery_key();

}  // namespace coffer
