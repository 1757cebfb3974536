#pragma once
/// KeyService: the VaultKeys of an opened vault.
///
/// Format    docs/format.md §2.2, §2.4. The protocol of a change: docs/format.md §2.6.
/// Borrows   the configuration keeper, which holds the key store in force and names the next one.
/// Threads   any. `changes_` is held across Argon2id and a raise: keys are changed by hand, one at a time.

#include <functional>
#include <string>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/vault/vault_keys.h"
#include "vault/configuration_keeper.h"
#include "vault/crypto/key_store.h"

namespace coffer {

class KeyService final : public VaultKeys {
 public:
  struct Deps {
    ConfigurationKeeper* configuration;
    std::function<bool()> read_only;
    std::function<void(const Error&)>
        failed;  // what is in force is not known: nothing may be written any more
  };
  explicit KeyService(Deps deps) : deps_(std::move(deps)) {}

  Result<std::vector<SlotInfo>> list() override;
  Result<KeySlotChange> add(const Credential& proof, const Credential& added,
                            KdfCost cost) override;
  Result<KeySlotChange> remove(const Credential& proof, SlotId slot) override;

 private:
  [[nodiscard]] Result<crypto::KeyStore> in_force() const;
  /// Makes `store` the next generation, in force on all current volumes.
  Result<std::vector<std::string>> put_in_force(crypto::KeyStore store,
                                                const crypto::UnlockedKeys& keys)
      REQUIRES(changes_);

  const Deps deps_;
  Mutex changes_;  // before ConfigurationKeeper::mutex_
};

/// What a store's bytes list, without a key and so without proof.
Result<std::vector<SlotInfo>> list_key_slots(Bytes key_store);

}  // namespace coffer
