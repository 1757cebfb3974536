#include "vault/tree/attribute_cache.h"

namespace coffer {
namespace {

bool is_device(FileType type) {
  return type == FileType::CharDevice || type == FileType::BlockDevice;
}

}  // namespace

AttributeCache::AttributeCache(std::size_t bytes_max)
    : shards_(ClockShards<Entry>::entries_of_each(bytes_max)) {}

void AttributeCache::fill(Entry& entry, const Attributes& attributes) {
  entry.inode = attributes.inode.value();
  entry.size_or_device = is_device(attributes.type) ? attributes.rdev : attributes.size;
  entry.allocated = attributes.allocated;
  std::size_t i = 0;
  for (const Timespec& at :
       {attributes.atime, attributes.mtime, attributes.ctime, attributes.btime}) {
    entry.seconds[i] = at.seconds;
    entry.nanoseconds[i++] = at.nanoseconds;
  }
  entry.uid = attributes.uid;
  entry.gid = attributes.gid;
  entry.nlink = attributes.nlink;
  entry.permissions = attributes.permissions;
  entry.type = attributes.type;
  entry.immutable = attributes.protection.immutable;
  entry.append_only = attributes.protection.append_only;
}

void AttributeCache::read(const Entry& entry, Attributes& attributes) {
  attributes.inode = InodeId(entry.inode);
  const bool device = is_device(entry.type);
  attributes.rdev = device ? static_cast<std::uint32_t>(entry.size_or_device) : 0;
  attributes.size = device ? 0 : entry.size_or_device;
  attributes.allocated = entry.allocated;
  const auto time = [&](std::size_t i) { return Timespec{entry.seconds[i], entry.nanoseconds[i]}; };
  attributes.atime = time(0);
  attributes.mtime = time(1);
  attributes.ctime = time(2);
  attributes.btime = time(3);
  attributes.uid = entry.uid;
  attributes.gid = entry.gid;
  attributes.nlink = entry.nlink;
  attributes.permissions = entry.permissions;
  attributes.type = entry.type;
  attributes.protection = {entry.immutable, entry.append_only};
}

bool AttributeCache::find(InodeId inode, Attributes& found) {
  auto& shard = shards_.of(spread(inode));
  MutexLock lock(shard.mutex);
  const Entry* entry = shard.table.find(
      hash_of(inode), [&](const Entry& other) { return other.inode == inode.value(); });
  if (entry == nullptr) return false;
  read(*entry, found);
  return true;
}

void AttributeCache::put(const Attributes& attributes) {
  auto& shard = shards_.of(spread(attributes.inode));
  const std::uint32_t hash = hash_of(attributes.inode);
  MutexLock lock(shard.mutex);
  Entry* entry = shard.table.find(
      hash, [&](const Entry& other) { return other.inode == attributes.inode.value(); });
  fill(entry != nullptr ? *entry : shard.table.insert(hash), attributes);
}

void AttributeCache::erase(InodeId inode) {
  auto& shard = shards_.of(spread(inode));
  MutexLock lock(shard.mutex);
  shard.table.erase(hash_of(inode),
                    [&](const Entry& other) { return other.inode == inode.value(); });
}

}  // namespace coffer
