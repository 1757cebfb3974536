#include "vault/tree/name_cache.h"

#include <algorithm>
#include <functional>

#include "coffer/core/sharded_map.h"

namespace coffer {
namespace {

auto same_name(InodeId parent, std::string_view stored) {
  return [parent, stored](const auto& entry) {
    return entry.parent == parent && entry.name() == stored;
  };
}

}  // namespace

// Half of the room is for the entries, half for names that lie beside them: neither crowds the other out.
NameCache::NameCache(std::size_t bytes_max)
    : long_bytes_max_(bytes_max / 2 / ClockShards<Entry>::kCount),
      shards_(ClockShards<Entry>::entries_of_each(bytes_max / 2)) {}

std::uint64_t NameCache::spread(InodeId parent, std::string_view stored) {
  return mix_hash(std::hash<std::string_view>{}(stored) ^ parent.value() * 0x9e3779b97f4a7c15U);
}

std::optional<NameSlots> NameCache::find(InodeId parent, std::string_view stored) {
  const std::uint64_t hash = spread(parent, stored);
  auto& shard = shards_.of(hash);
  std::optional<NameSlots> found;
  MutexLock lock(shard.mutex);
  const Entry* entry =
      shard.table.find(static_cast<std::uint32_t>(hash), same_name(parent, stored));
  if (entry == nullptr) return found;
  found.emplace();
  if (entry->inode == InodeId{}) return found;
  auto& slot = entry->type == FileType::Directory ? found->directory : found->file;
  slot = Dentry{entry->inode, entry->type, entry->cookie};
  return found;
}

void NameCache::put(InodeId parent, std::string_view stored, const NameSlots& slots) {
  const std::uint64_t hash = spread(parent, stored);
  const auto low = static_cast<std::uint32_t>(hash);
  const bool is_long = stored.size() > kInlineBytes;
  const std::size_t beside = is_long ? block_bytes(stored.size()) : 0;
  auto& shard = shards_.of(hash);
  MutexLock lock(shard.mutex);
  ClockTable<Entry>& table = shard.table;
  table.erase(low, same_name(parent, stored));
  if ((slots.file && slots.directory) || beside > long_bytes_max_) return;
  while (table.beside_bytes() + beside > long_bytes_max_)
    table.evict([](const Entry& other) { return other.long_name != nullptr; });
  Entry& entry = table.insert(low);
  entry.parent = parent;
  entry.name_hash = low;
  entry.name_bytes = static_cast<std::uint16_t>(stored.size());
  if (is_long) entry.long_name = std::make_unique_for_overwrite<char[]>(stored.size());
  std::copy(stored.begin(), stored.end(),
            is_long ? entry.long_name.get() : entry.short_name.data());
  table.note_beside(entry);
  const auto& stands = slots.file ? slots.file : slots.directory;
  if (!stands) return;
  entry.inode = stands->inode;
  entry.cookie = stands->cookie;
  entry.type = stands->type;
}

void NameCache::erase(InodeId parent, std::string_view stored) {
  const std::uint64_t hash = spread(parent, stored);
  auto& shard = shards_.of(hash);
  MutexLock lock(shard.mutex);
  shard.table.erase(static_cast<std::uint32_t>(hash), same_name(parent, stored));
}

}  // namespace coffer
