#include "vault/tree/locked_chain.h"

#include <algorithm>

#include "vault/tree/keys.h"

namespace coffer {

LockedChain::~LockedChain() {
  for (auto inode = locked_.rbegin(); inode != locked_.rend(); ++inode) (*inode)->entries.unlock();
}

Result<void> LockedChain::walk(const InodeRef& bucket) {
  COFFER_ASSIGN(place_, walk_from(names_, bucket, key_));
  if (!has_holder() || !key_.is_directory) return {};
  COFFER_ASSIGN(const NameSlots slots,
                names_.slots(*place_.parent(), key_.name, Namespace::Held::No));
  if (!slots.directory) return {};
  auto directory = names_.directory(slots.directory->inode);
  if (!directory && directory.error().code == Errc::NotFound) return {};
  if (!directory) return fail(std::move(directory).error());
  own_ = *std::move(directory);
  return {};
}

std::size_t LockedChain::first_that_stays() const {
  const std::size_t last = count() - 1;
  for (std::size_t i = last; i > 0; --i) {
    const bool goes_itself = own_ && i == last;
    const Inode& directory = *at(i);
    SharedLock lock(directory.mutex);
    const bool empties = directory.record.attributes.size == (goes_itself ? 0U : 1U);
    const bool marked = directory.record.has(InodeRecord::kMarker) && !goes_itself;
    if (!empties || marked) return i;
  }
  return 0;
}

Result<bool> LockedChain::lock(std::size_t first) {
  // The marker of `k/` is guarded by the entries of its parent. None of them moves while the gate is held.
  const std::size_t lowest = std::min(first, place_.chain.size() - 1);
  for (std::size_t i = lowest; i < count(); ++i) {
    at(i)->entries.lock();
    locked_.push_back(at(i));
  }
  for (const InodeRef& directory : locked_) {
    SharedLock lock(directory->mutex);
    if (directory->reclaimed || directory->record.attributes.nlink == 0) return false;
  }
  slots_.assign(count(), {});
  for (std::size_t i = lowest + 1; i < count(); ++i) {
    COFFER_ASSIGN(slots_[i], names_.slots(*at(i - 1), name_of(i), Namespace::Held::Yes));
    if (!slots_[i].directory || slots_[i].directory->inode != at(i)->id) return false;
  }
  COFFER_ASSIGN(key_slots_,
                names_.slots(*place_.parent(), name_of(place_.chain.size()), Namespace::Held::Yes));
  // Made since the walk: the key is guarded further down, or its directory is there now.
  const bool ended = !has_holder() || (key_.is_directory && !own_);
  if (ended && key_slots_.directory) return false;
  return first_that_stays() == first;
}

std::vector<InodeRef> LockedChain::from(std::size_t first) const {
  std::vector<InodeRef> found;
  for (std::size_t i = first; i < count(); ++i) found.push_back(at(i));
  return found;
}

Result<void> LockedChain::set_file(TreeChange& change, const std::optional<Dentry>& after,
                                   Aftermath& aftermath) {
  const NameSlots before = key_slots_;
  COFFER_TRY(change.set_entry(*place_.parent(), key_.name, key_slots_, false, after));
  describe(aftermath.changes, Door::Gateway, place_.parent()->id, key_.name, before, key_slots_,
           {});
  return {};
}

Result<void> LockedChain::prune(TreeChange& change, std::size_t first, Aftermath& aftermath) {
  for (std::size_t i = count() - 1; i > first; --i) {
    const NameSlots before = slots_[i];
    COFFER_TRY(change.set_entry(*at(i - 1), name_of(i), slots_[i], true, std::nullopt));
    describe(aftermath.changes, Door::Gateway, at(i - 1)->id, name_of(i), before, slots_[i], {});
    COFFER_TRY(change.drop_link(*at(i)));
  }
  return {};
}

Result<void> take_marker(TreeChange& change, Inode& directory) {
  if (directory.record.protection().any()) return fail(Errc::Permission, "protected");
  if (directory.record.has(InodeRecord::kHasParts))
    change.batch().remove(keys::object_parts(directory.id));
  directory.record.flags &= static_cast<std::uint16_t>(
      ~(InodeRecord::kMarker | InodeRecord::kHasObject | InodeRecord::kHasParts));
  directory.record.set_version(std::nullopt);
  directory.record.attributes.ctime = change.now();
  change.batch().remove(keys::object(directory.id));
  return {};
}

}  // namespace coffer
