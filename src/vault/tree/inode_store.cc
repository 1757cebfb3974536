#include "vault/tree/inode_store.h"

#include "vault/tree/inode_store_impl.h"

namespace coffer {

InodeStore::InodeStore(const Deps& deps) : impl_(std::make_unique<Impl>(deps)) {
  if (auto row = deps.meta->get(keys::counter("inodes")); row && *row) {
    impl_->count = ByteReader(**row).i64();
  }
  impl_->reaper = std::thread([this] { run_reaper(); });
}

InodeStore::~InodeStore() { stop(); }

void InodeStore::Impl::trim(Shard& shard) {
  const std::size_t most = std::max<std::size_t>(deps.cache_inodes_max / kShards, 16);
  auto at = shard.ages.end();
  std::size_t looked_at = 0;
  while (shard.map.size() > most && at != shard.ages.begin() && looked_at++ < 32) {
    --at;
    const auto found = shard.map.find(*at);
    // References are only taken under this shard's mutex, so one that is ours alone stays so. Dirty
    // inodes are also held by the dirty list.
    if (found->second.inode.use_count() > 1) continue;
    shard.map.erase(found);
    at = shard.ages.erase(at);
  }
}

Result<InodeRef> InodeStore::get(InodeId id) {
  Impl::Shard& shard = impl_->shard_of(id);
  InodeRef inode;
  {
    MutexLock lock(shard.mutex);
    const auto found = shard.map.find(id);
    if (found != shard.map.end()) {
      shard.ages.splice(shard.ages.begin(), shard.ages, found->second.age);
      return found->second.inode;
    }
    inode = std::make_shared<Inode>(id, impl_->attributes);
    // Nobody else has it yet: this never waits. Who finds it in the map waits for the load.
    inode->mutex.lock();
    shard.ages.push_front(id);
    shard.map.emplace(id, Impl::Slot{inode, shard.ages.begin()});
    impl_->trim(shard);
  }
  auto loaded = impl_->load(*inode);
  const bool replaced = !impl_->holds(*inode);
  if (!loaded || replaced) inode->reclaimed = true;
  inode->mutex.may_be_cached();
  inode->mutex.unlock();
  if (replaced) return get(id);
  if (!loaded) {
    impl_->forget(*inode);
    return fail(std::move(loaded).error());
  }
  return inode;
}

bool InodeStore::Impl::holds(const Inode& inode) {
  Shard& shard = shard_of(inode.id);
  MutexLock lock(shard.mutex);
  const auto found = shard.map.find(inode.id);
  return found != shard.map.end() && found->second.inode.get() == &inode;
}

void InodeStore::Impl::forget(const Inode& inode) {
  Shard& shard = shard_of(inode.id);
  MutexLock lock(shard.mutex);
  const auto found = shard.map.find(inode.id);
  if (found == shard.map.end() || found->second.inode.get() != &inode) return;
  shard.ages.erase(found->second.age);
  shard.map.erase(found);
}

Result<InodeRef> InodeStore::make(InodeRecord record) {
  COFFER_ASSIGN(const std::uint64_t number, impl_->inode_numbers.next(kRootInode.value() + 1));
  const InodeId id{number};
  auto inode = std::make_shared<Inode>(id, impl_->attributes);
  const Timespec now = wall_now();
  Attributes& attributes = record.attributes;
  attributes.inode = id;
  for (Timespec* time :
       {&attributes.atime, &attributes.mtime, &attributes.ctime, &attributes.btime}) {
    if (*time == Timespec{}) *time = now;
  }
  inode->record = std::move(record);
  inode->fresh = true;
  Impl::Shard& shard = impl_->shard_of(id);
  MutexLock lock(shard.mutex);
  // Somebody with a handle from elsewhere may be looking for the number right now: he finds nothing, or looks again.
  if (const auto guessed = shard.map.find(id); guessed != shard.map.end()) {
    shard.ages.erase(guessed->second.age);
    shard.map.erase(guessed);
  }
  shard.ages.push_front(id);
  shard.map.emplace(id, Impl::Slot{inode, shard.ages.begin()});
  impl_->trim(shard);
  return inode;
}

Result<std::uint64_t> InodeStore::next_cookie() { return impl_->cookies.next(1); }

bool InodeStore::known_attributes(InodeId id, Attributes& known) {
  return impl_->attributes.find(id, known);
}

void InodeStore::mark_dirty(Inode& inode) {
  if (inode.dirty || inode.reclaimed) return;
  inode.dirty = true;
  MutexLock lock(impl_->dirty_mutex);
  impl_->dirty.insert_or_assign(inode.id, inode.shared_from_this());
}

std::vector<InodeRef> InodeStore::dirty() {
  MutexLock lock(impl_->dirty_mutex);
  std::vector<InodeRef> inodes;
  inodes.reserve(impl_->dirty.size());
  for (const auto& [id, inode] : impl_->dirty) inodes.push_back(inode);
  return inodes;
}

std::size_t InodeStore::dirty_count() const {
  MutexLock lock(impl_->dirty_mutex);
  return impl_->dirty.size();
}

std::uint64_t InodeStore::count() const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(impl_->count.load(), 0));
}

}  // namespace coffer
