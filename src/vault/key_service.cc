#include "vault/key_service.h"

#include <algorithm>
#include <optional>

#include "coffer/core/clock.h"
#include "vault/crypto/recovery_key.h"

namespace coffer {
namespace {

std::optional<SlotInfo> find_slot(const crypto::KeySlots& slots, SlotId id) {
  const std::vector<SlotInfo> all = slots.list();
  const auto at = std::ranges::find(all, id, &SlotInfo::id);
  return at == all.end() ? std::nullopt : std::optional(*at);
}

std::vector<std::string> paths_away(const Superblock& configuration) {
  std::vector<std::string> paths;
  for (const Member& member : configuration.members) {
    if (member.state == MemberState::Stale || member.state == MemberState::Absent)
      paths.push_back(member.path_hint);
  }
  return paths;
}

}  // namespace

Credential make_recovery_key() {
  return {SlotKind::Recovery, crypto::recovery_key_text(crypto::SecretKey::random())};
}

Result<std::vector<SlotInfo>> list_key_slots(Bytes key_store) {
  COFFER_ASSIGN(const crypto::KeyStore store, crypto::KeyStore::parse(key_store));
  return store.slots().list();
}

Result<crypto::KeyStore> KeyService::in_force() const {
  return crypto::KeyStore::parse(as_bytes(deps_.configuration->key_store()));
}

Result<std::vector<SlotInfo>> KeyService::list() {
  COFFER_ASSIGN(const crypto::KeyStore store, in_force());
  return store.slots().list();
}

Result<KeySlotChange> KeyService::add(const Credential& proof, const Credential& added,
                                      KdfCost cost) {
  MutexLock lock(changes_);
  if (deps_.read_only()) return fail(Errc::ReadOnly, "the vault is read-only");
  COFFER_ASSIGN(crypto::KeyStore store, in_force());
  COFFER_ASSIGN(const crypto::UnlockedKeys keys, store.unlock(proof));
  COFFER_ASSIGN(const SlotId id, store.slots().add(added, cost, keys.master, wall_now().seconds));
  KeySlotChange change{*find_slot(store.slots(), id), {}};
  COFFER_ASSIGN(change.old_copies, put_in_force(std::move(store), keys));
  return change;
}

Result<KeySlotChange> KeyService::remove(const Credential& proof, SlotId slot) {
  MutexLock lock(changes_);
  if (deps_.read_only()) return fail(Errc::ReadOnly, "the vault is read-only");
  COFFER_ASSIGN(crypto::KeyStore store, in_force());
  const auto found = find_slot(store.slots(), slot);
  if (!found) return fail(Errc::NotFound, "there is no key slot " + std::to_string(slot.value()));
  if (store.slots().size() == 1) {
    return fail(Errc::InvalidArgument,
                "the last key slot is not removed, nobody could open the vault: add another first");
  }
  COFFER_ASSIGN(const crypto::UnlockedKeys keys, store.unlock(proof));
  COFFER_TRY(store.slots().remove(slot));
  KeySlotChange change{*found, {}};
  COFFER_ASSIGN(change.old_copies, put_in_force(std::move(store), keys));
  return change;
}

Result<std::vector<std::string>> KeyService::put_in_force(crypto::KeyStore store,
                                                          const crypto::UnlockedKeys& keys) {
  COFFER_ASSIGN(std::string bytes, store.encode_next(keys.master, keys.ring));
  if (auto raised = deps_.configuration->raise_key_store(store.generation(), std::move(bytes));
      !raised) {
    if (raised.error().code != Errc::NoSpace) deps_.failed(raised.error());
    return fail(std::move(raised).error());
  }
  std::vector<std::string> old_copies = deps_.configuration->mirror_key_store();
  for (std::string& path : paths_away(deps_.configuration->current()))
    old_copies.push_back(std::move(path));
  return old_copies;
}

}  // namespace coffer
