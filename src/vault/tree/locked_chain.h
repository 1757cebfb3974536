#pragma once
/// LockedChain: the directories on a key's way, with the end of them locked, for a change that may take the key's entry away and with
/// it directories that exist only because of it.
///
///   walk() ──► first_that_stays() ──► lock(first) ──► set_file() ──► prune(first) ──► commit of the change
///                                        └─ false: something moved, start over
///
/// Owns      the exclusive locks of the chain's end, until destroyed.
/// Borrows   the namespace, the key. @pre throughout: the gate is held.
/// Threads   one.

#include "vault/tree/object_path.h"
#include "vault/tree/tree_change.h"

namespace coffer {

class LockedChain {
 public:
  LockedChain(Namespace& names, const ObjectKey& key) : names_(names), key_(key) {}
  ~LockedChain();
  LockedChain(const LockedChain&) = delete;
  LockedChain& operator=(const LockedChain&) = delete;

  /// Once. The directory `k` of a key `k/` is the last of the chain if it is there.
  Result<void> walk(const InodeRef& bucket);
  /// Every directory on the way is there, `k` of `k/` included.
  [[nodiscard]] bool complete() const { return has_holder() && (!key_.is_directory || own_); }
  /// The directory that holds the key's entry is there.
  [[nodiscard]] bool has_holder() const { return place_.reached() == key_.directories.size(); }
  [[nodiscard]] const ObjectPlace& place() const { return place_; }
  /// With `k` itself for `k/`.
  [[nodiscard]] const InodeRef& last() const { return own_ ? own_ : place_.parent(); }

  /// The index of the deepest directory that is not left empty by the end of the key's entry, or is kept though it is.
  [[nodiscard]] std::size_t first_that_stays() const;
  /// Locks the directories from that index on, and whatever guards the key, ancestors first. False: they are not what was walked.
  Result<bool> lock(std::size_t first);

  // Locked:
  /// What stands under the key's last name; nothing where the way is not there.
  [[nodiscard]] const NameSlots& slots() const { return key_slots_; }
  /// What stands under the name at which the way ends before the key's directories do.
  NameSlots& next_slots() { return key_slots_; }
  [[nodiscard]] std::vector<InodeRef> from(std::size_t first) const;
  Result<void> set_file(TreeChange& change, const std::optional<Dentry>& after,
                        Aftermath& aftermath);
  /// Takes away the directories below the one at `first`.
  Result<void> prune(TreeChange& change, std::size_t first, Aftermath& aftermath);

 private:
  [[nodiscard]] std::size_t count() const { return place_.chain.size() + (own_ ? 1 : 0); }
  [[nodiscard]] const InodeRef& at(std::size_t i) const {
    return i < place_.chain.size() ? place_.chain[i] : own_;
  }
  [[nodiscard]] const std::string& name_of(std::size_t i) const {
    return i - 1 < key_.directories.size() ? key_.directories[i - 1] : key_.name;
  }

  Namespace& names_;
  const ObjectKey& key_;
  ObjectPlace place_;             // bucket … the deepest of the key's directories that is there
  InodeRef own_;                  // `k` of `k/`
  std::vector<InodeRef> locked_;  // the end of the chain
  std::vector<NameSlots> slots_;  // by index: what stands under the name of that directory
  NameSlots key_slots_;
};

/// `k/` is no object any more: what says so goes from its directory, which is locked. Its bytes are the caller's.
Result<void> take_marker(TreeChange& change, Inode& directory);

}  // namespace coffer
