#include "vault/volume/memory_file.h"

#include <algorithm>
#include <array>
#include <utility>

namespace coffer {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit;
}

}  // namespace

void RangeSet::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin() && std::prev(at)->second >= begin) --at;
  while (at != ranges_.end() && at->first <= end) {
    begin = std::min(begin, at->first);
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(begin, end);
}

void RangeSet::subtract(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin() && std::prev(at)->second > begin) --at;
  while (at != ranges_.end() && at->first < end) {
    const auto [old_begin, old_end] = *at;
    at = ranges_.erase(at);
    if (old_begin < begin) ranges_.emplace(old_begin, begin);
    if (old_end > end) at = ranges_.emplace(end, old_end).first;
  }
}

bool RangeSet::overlaps(std::uint64_t begin, std::uint64_t end) const {
  const auto after = ranges_.lower_bound(end);
  return begin < end && after != ranges_.begin() && std::prev(after)->second > begin;
}

void MemoryFile::keep_old(std::uint64_t first_sector, std::uint64_t end_sector) {
  const std::uint64_t durable_end = round_up(durable_size_, kSectorBytes);
  for (std::uint64_t s = first_sector; s < std::min(end_sector, durable_end); ++s) {
    if (dirty_.contains(s) || lost_.contains(s)) continue;
    const std::uint64_t begin = s * kSectorBytes;
    old_[s] = data_.substr(begin, std::min(kSectorBytes, durable_size_ - begin));
  }
}

void MemoryFile::write(std::uint64_t at, Bytes bytes) {
  if (bytes.empty()) return;
  const std::uint64_t end = at + bytes.size();
  const std::uint64_t first_sector = at / kSectorBytes;
  const std::uint64_t end_sector = round_up(end, kSectorBytes);
  keep_old(first_sector, end_sector);
  if (end > data_.size()) data_.resize(end);
  std::copy_n(as_text(bytes).begin(), bytes.size(),
              data_.begin() + static_cast<std::ptrdiff_t>(at));
  dirty_.add(first_sector, end_sector);
  lost_.subtract(first_sector, end_sector);
}

std::size_t MemoryFile::read(std::uint64_t at, MutableBytes into) const {
  if (at >= size()) return 0;
  const std::size_t n = std::min<std::uint64_t>(into.size(), size() - at);
  std::fill_n(into.begin(), n, std::byte{0});
  if (at < data_.size()) {
    const std::size_t there = std::min<std::uint64_t>(n, data_.size() - at);
    std::copy_n(as_bytes(data_).begin() + static_cast<std::ptrdiff_t>(at), there, into.begin());
  }
  return n;
}

void MemoryFile::truncate() {
  const std::uint64_t durable_end = round_up(durable_size_, kSectorBytes);
  keep_old(0, durable_end);
  data_.clear();
  reserved_ = 0;
  dirty_.add(0, durable_end);
  lost_.subtract(0, durable_end);
}

void MemoryFile::reserve(std::uint64_t bytes) { reserved_ = std::max(reserved_, bytes); }

std::uint64_t MemoryFile::size() const { return std::max<std::uint64_t>(data_.size(), reserved_); }

std::uint64_t MemoryFile::allocated() const { return round_up(size(), kBlockBytes) * kBlockBytes; }

std::uint64_t MemoryFile::allocated_with(std::uint64_t end) const {
  return round_up(std::max(size(), end), kBlockBytes) * kBlockBytes;
}

void MemoryFile::sync() {
  durable_size_ = data_.size();
  dirty_.clear();
  std::erase_if(old_, [this](const auto& entry) { return !lost_.contains(entry.first); });
}

void MemoryFile::fail_sync() {
  for (const auto& [begin, end] : dirty_.ranges()) lost_.add(begin, end);
  dirty_.clear();
}

/// Puts a sector back to what the medium has, as far as the file reaches.
void MemoryFile::revert(std::uint64_t sector) {
  const std::uint64_t begin = sector * kSectorBytes;
  if (begin >= data_.size()) return;
  const std::size_t length = std::min<std::uint64_t>(kSectorBytes, data_.size() - begin);
  const auto to = data_.begin() + static_cast<std::ptrdiff_t>(begin);
  std::fill_n(to, length, '\0');
  if (const auto old = old_.find(sector); old != old_.end()) {
    std::copy_n(old->second.begin(), std::min(length, old->second.size()), to);
  }
}

void MemoryFile::power_cut(Random& random) {
  const std::uint64_t low = std::min<std::uint64_t>(durable_size_, data_.size());
  const std::uint64_t high = std::max<std::uint64_t>(durable_size_, data_.size());
  const std::array<std::uint64_t, 3> sizes{durable_size_, data_.size(),
                                           low + random() % (high - low + 1)};
  data_.resize(sizes[random() % sizes.size()]);
  // Some cuts keep all or nothing; the rest tear, drop and reorder.
  constexpr std::array<unsigned, 5> kKeptOfEight{0, 1, 4, 7, 8};
  const unsigned kept_of_eight = kKeptOfEight[random() % kKeptOfEight.size()];
  for (const RangeSet* changed : {&dirty_, &lost_}) {
    for (const auto& [begin, end] : changed->ranges()) {
      for (std::uint64_t s = begin; s < end; ++s) {
        if (random() % 8 >= kept_of_eight) revert(s);
      }
    }
  }
  durable_size_ = data_.size();
  dirty_.clear();
  lost_.clear();
  old_.clear();
}

void MemoryFile::evict() {
  for (const auto& [begin, end] : lost_.ranges()) {
    for (std::uint64_t s = begin; s < end; ++s) {
      revert(s);
      old_.erase(s);
    }
  }
  // They are what the medium has now, except that a file grown meanwhile may end in them: that is
  // the size's business, which a sync settles.
  lost_.clear();
}

void MemoryFile::replace(std::string content) {
  *this = MemoryFile{};
  data_ = std::move(content);
  durable_size_ = data_.size();
}

}  // namespace coffer
