#pragma once
/// TreeChange: one atomic change of the namespace: entries, and the inodes that they concern.
///
/// The caller holds the `entries` of every directory whose names change, then: lock() → set_entry(), drop_link(), edits of the locked
/// inodes' records → commit(). Without a commit() that succeeded, records are as they were before.
///
///   lock ──► edits ──► commit ──ok──► new state in rows, memory and name cache
///                          └─failed─► old state in memory, rows unchanged
///
/// Owns      the batch; holds the mutexes of the locked inodes exclusively until destroyed.
/// Threads   one.
/// Errors    Stale: an inode was reclaimed; Conflict: two long names with one hash; those of MetaStore::commit().

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "vault/tree/namespace.h"

namespace coffer {

/// What is to be done once no lock is held any more: Namespace hands it on.
struct Aftermath {
  std::vector<Change> changes;
  std::vector<InodeId> reclaim;
  std::vector<InodeId> buckets_gone;  // their uploads go too
};

class TreeChange {
 public:
  explicit TreeChange(Namespace& names) : names_(names) {}
  ~TreeChange();
  TreeChange(const TreeChange&) = delete;
  TreeChange& operator=(const TreeChange&) = delete;

  /// Once. Null references and repetitions are left out.
  Result<void> lock(std::vector<InodeRef> inodes);

  /// What shall stand at `stored` in one of the two slots. `slots` is what stands there now, and is brought up to date.
  /// The parent's count of entries, link count and times follow. Permission: the parent is protected against it. @pre parent is
  /// locked
  Result<void> set_entry(Inode& parent, const std::string& stored, NameSlots& slots, bool directory,
                         const std::optional<Dentry>& after);
  /// One name fewer. The last one takes the inode's rows along, at commit. Permission: the inode is protected. @pre inode is
  /// locked
  Result<void> drop_link(Inode& inode);
  /// Rows that belong to the change. Valid until commit().
  MetaBatch& batch() { return batch_; }
  [[nodiscard]] const Timespec& now() const { return now_; }

  /// Leaves the edits to a later commit of the inodes, which are dirty already. No rows were added.
  void keep() { committed_ = true; }
  /// Settles pending bytes of the locked inodes, adds their rows and commits.
  Result<void> commit(Aftermath& after);

 private:
  struct Locked {
    InodeRef inode;
    Attributes attributes;
    InodeId parent;
    std::uint64_t content_version = 0;
    std::uint16_t flags = 0;
    std::optional<VersionTag> version;
    bool unlinked = false;
    bool staged = false;
    bool reclaim = false;
  };
  Result<void> stage();
  void restore();

  Namespace& names_;
  const Timespec now_ = wall_now();
  MetaBatch batch_;
  std::vector<Locked> locked_;
  std::map<std::pair<InodeId, std::string>, NameSlots> names_after_;
  bool committed_ = false;
};

/// The changes of visible names in `parent` when what stands at `stored` changes. `primary` is the name that the caller of the
/// mount named: the kernel knows of that one; other names that change along are told as Door::Upkeep.
void describe(std::vector<Change>& changes, Door door, InodeId parent, std::string_view stored,
              const NameSlots& before, const NameSlots& after, std::string_view primary);

/// Hands on what follows a change. @pre no lock is held
void finish(Namespace& names, const Aftermath& after);

}  // namespace coffer
