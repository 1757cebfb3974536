#pragma once
/// ChangeFeed: tells one door what the other one changed.
///
/// Published after the change is committed and with no lock held. Observers must be quick (queue the work) and
/// may not call back into the vault from on_change().

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coffer/vault/ids.h"

namespace coffer {

enum class Door : std::uint8_t { Mount, Gateway, Upkeep };

struct Change {
  enum class Kind : std::uint8_t {
    EntryAdded,     // `name` appeared in `parent`
    EntryReplaced,  // `name` in `parent` names another inode now
    EntryRemoved,   // `name` vanished from `parent`; `inode` was its inode
    InodeChanged,   // attributes or content of `inode` changed in place
  };
  Door door = Door::Mount;  // who did it
  Kind kind = Kind::EntryAdded;
  InodeId parent;
  std::string name;  // as the mount shows it (escaped form)
  InodeId inode;     // the inode concerned (the old one for EntryRemoved and EntryReplaced)
};

class ChangeObserver {
 public:
  virtual ~ChangeObserver() = default;
  virtual void on_change(const Change& change) = 0;
};

class ChangeFeed {
 public:
  ChangeFeed();
  ~ChangeFeed();
  /// The observer is borrowed until unsubscribe() returned (which waits for a running on_change).
  void subscribe(ChangeObserver& observer);
  void unsubscribe(ChangeObserver& observer);
  void publish(const std::vector<Change>& changes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
