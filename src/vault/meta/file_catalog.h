#pragma once
/// FileCatalog: the names and sizes in the metadata directory, kept in memory so that RocksDB's questions cost no system
/// call. Sizes are those on one mirror's disk. Any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/mutex.h"

namespace coffer::meta {

class FileCatalog {
 public:
  void set(std::string_view name, std::uint64_t disk_bytes) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    sizes_.insert_or_assign(std::string(name), disk_bytes);
  }
  void grow(std::string_view name, std::uint64_t bytes) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (const auto found = sizes_.find(name); found != sizes_.end()) found->second += bytes;
  }
  void remove(std::string_view name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (const auto found = sizes_.find(name); found != sizes_.end()) sizes_.erase(found);
  }
  void rename(std::string_view from, std::string_view to) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const auto found = sizes_.find(from);
    if (found == sizes_.end()) return;
    const std::uint64_t bytes = found->second;
    sizes_.erase(found);
    sizes_.insert_or_assign(std::string(to), bytes);
  }
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view name) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const auto found = sizes_.find(name);
    if (found == sizes_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] std::vector<std::string> names() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, bytes] : sizes_) names.push_back(name);
    return names;
  }
  [[nodiscard]] std::uint64_t total() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    std::uint64_t total = 0;
    for (const auto& [name, bytes] : sizes_) total += bytes;
    return total;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_ GUARDED_BY(mutex_);
};

}  // namespace coffer::meta
