#include "fuse/inode_table.h"

#include <algorithm>
#include <utility>

namespace coffer::fuse {

InodeTable::InodeTable() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    shard.slots.resize(kSlotsMin);
  }
}

// Inode numbers count up, so a multiplicative hash with the high bits spreads them evenly: the top
// bits choose the shard, the ones below choose the slot.
std::uint64_t InodeTable::hash(InodeId id) { return id.value() * 0x9e3779b97f4a7c15ULL; }

InodeTable::Shard& InodeTable::shard_of(InodeId id) {
  return shards_[hash(id) >> (64 - kShardBits)];
}
const InodeTable::Shard& InodeTable::shard_of(InodeId id) const {
  return shards_[hash(id) >> (64 - kShardBits)];
}

namespace {

constexpr std::uint32_t kWritersMask = (1U << 30) - 1;

std::size_t home_of(std::uint64_t hash, std::size_t slots, unsigned shard_bits) {
  return static_cast<std::size_t>((hash << shard_bits) >> 32U) & (slots - 1);
}

}  // namespace

std::size_t InodeTable::find_at(const std::vector<Slot>& slots, InodeId id) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = home_of(hash(id), mask + 1, kShardBits);; at = (at + 1) & mask) {
    if (slots[at].id == id.value()) return at;
    if (slots[at].id == 0) return kAbsent;
  }
}

const InodeTable::Slot* InodeTable::find(const Shard& shard, InodeId id) {
  const std::size_t at = find_at(shard.slots, id);
  return at == kAbsent ? nullptr : &shard.slots[at];
}

InodeTable::Slot* InodeTable::find(Shard& shard, InodeId id) {
  const std::size_t at = find_at(shard.slots, id);
  return at == kAbsent ? nullptr : &shard.slots[at];
}

InodeTable::Slot& InodeTable::find_or_insert(Shard& shard, InodeId id) {
  if (Slot* found = find(shard, id)) return *found;
  if ((shard.used + 1) * 4 > shard.slots.size() * 3) resize(shard, shard.slots.size() * 2);
  const std::size_t mask = shard.slots.size() - 1;
  std::size_t at = home_of(hash(id), mask + 1, kShardBits);
  while (shard.slots[at].id != 0) at = (at + 1) & mask;
  shard.slots[at].id = id.value();
  ++shard.used;
  return shard.slots[at];
}

void InodeTable::resize(Shard& shard, std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(shard.slots);
  const std::size_t mask = slots - 1;
  for (const Slot& slot : old) {
    if (slot.id == 0) continue;
    std::size_t at = home_of(hash(InodeId(slot.id)), slots, kShardBits);
    while (shard.slots[at].id != 0) at = (at + 1) & mask;
    shard.slots[at] = slot;
  }
}

// Backward-shift deletion keeps every probe sequence free of holes, so no tombstones pile up.
Remains InodeTable::erase_if_unused(Shard& shard, Slot* slot) {
  if (slot->lookups != 0 || slot->opens != 0) return Remains::InUse;
  const std::size_t mask = shard.slots.size() - 1;
  auto hole = static_cast<std::size_t>(slot - shard.slots.data());
  for (std::size_t at = (hole + 1) & mask; shard.slots[at].id != 0; at = (at + 1) & mask) {
    const std::size_t home = home_of(hash(InodeId(shard.slots[at].id)), mask + 1, kShardBits);
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      shard.slots[hole] = shard.slots[at];
      hole = at;
    }
  }
  shard.slots[hole] = Slot{};
  --shard.used;
  if (shard.slots.size() > kSlotsMin && shard.used * 16 < shard.slots.size() * 3)
    resize(shard, shard.slots.size() / 2);
  return Remains::Unused;
}

bool InodeTable::add_lookups(InodeId id, std::uint64_t count) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot& slot = find_or_insert(shard, id);
  const bool first = slot.lookups == 0 && slot.opens == 0;
  slot.lookups += count;
  return first;
}

Remains InodeTable::drop_lookups(InodeId id, std::uint64_t count) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot* slot = find(shard, id);
  if (slot == nullptr) return Remains::Unused;
  slot->lookups -= std::min(slot->lookups, count);
  return erase_if_unused(shard, slot);
}

void InodeTable::opened(InodeId id, Access access) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot& slot = find_or_insert(shard, id);
  ++slot.opens;
  if (access == Access::Write) slot.writers = (slot.writers + 1) & kWritersMask;
}

Remains InodeTable::closed(InodeId id, Access access) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot* slot = find(shard, id);
  if (slot == nullptr) return Remains::Unused;
  if (slot->opens > 0) --slot->opens;
  if (access == Access::Write && slot->writers > 0)
    slot->writers = (slot->writers - 1) & kWritersMask;
  return erase_if_unused(shard, slot);
}

bool InodeTable::known(InodeId id) const { return lookups(id) > 0; }

bool InodeTable::open_for_writing(InodeId id) const {
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const Slot* slot = find(shard, id);
  return slot != nullptr && slot->writers > 0;
}

std::uint64_t InodeTable::lookups(InodeId id) const {
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const Slot* slot = find(shard, id);
  return slot == nullptr ? 0 : slot->lookups;
}

std::uint64_t InodeTable::opens(InodeId id) const {
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  const Slot* slot = find(shard, id);
  return slot == nullptr ? 0 : slot->opens;
}

bool InodeTable::in_use(InodeId id) const {
  const Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  return find(shard, id) != nullptr;
}

bool InodeTable::note_write(InodeId id) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot* slot = find(shard, id);
  if (slot == nullptr) return false;
  slot->written = 1;
  return slot->capability_absent != 0;
}

bool InodeTable::take_written(InodeId id) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  Slot* slot = find(shard, id);
  if (slot == nullptr || slot->written == 0) return false;
  slot->written = 0;
  return true;
}

void InodeTable::note_capability_absent(InodeId id) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  if (Slot* slot = find(shard, id)) slot->capability_absent = 1;
}

void InodeTable::note_capability_set(InodeId id) {
  Shard& shard = shard_of(id);
  MutexLock lock(shard.mutex);
  if (Slot* slot = find(shard, id)) slot->capability_absent = 0;
}

std::vector<InodeId> InodeTable::all_open_for_writing() const {
  std::vector<InodeId> found;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const Slot& slot : shard.slots)
      if (slot.id != 0 && slot.writers > 0) found.emplace_back(slot.id);
  }
  return found;
}

std::size_t InodeTable::size() const {
  std::size_t total = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    total += shard.used;
  }
  return total;
}

std::size_t InodeTable::memory_bytes() const {
  std::size_t total = sizeof(*this);
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    total += shard.slots.capacity() * sizeof(Slot);
  }
  return total;
}

void InodeTable::drain(const std::function<void(InodeId)>& dropped) {
  for (Shard& shard : shards_) {
    std::vector<Slot> slots(kSlotsMin);
    {
      MutexLock lock(shard.mutex);
      slots.swap(shard.slots);
      shard.used = 0;
    }
    for (const Slot& slot : slots)
      if (slot.id != 0) dropped(InodeId(slot.id));
  }
}

}  // namespace coffer::fuse
