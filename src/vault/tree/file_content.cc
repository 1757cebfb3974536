#include "vault/tree/file_content.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace coffer {

void PendingBytes::write(std::uint64_t offset, Bytes data) {
  if (data.empty()) return;
  const std::uint64_t end = offset + data.size();
  // The usual case first: appending to the last run.
  auto at = runs_.upper_bound(offset);
  if (at != runs_.begin()) {
    auto before = std::prev(at);
    const std::uint64_t before_end = before->first + before->second.size();
    const bool touches_next = at != runs_.end() && at->first <= end;
    if (before_end >= offset && !touches_next) {
      const std::uint64_t start = offset - before->first;
      if (end > before_end) {
        bytes_ += end - before_end;
        before->second.resize(end - before->first);
      }
      std::memcpy(before->second.data() + start, data.data(), data.size());
      charge_.set(bytes_);
      return;
    }
  }
  erase(offset, end);
  std::string run(as_text(data));
  std::uint64_t start = offset;
  bytes_ += data.size();
  at = runs_.lower_bound(offset);
  if (at != runs_.begin()) {
    auto before = std::prev(at);
    if (before->first + before->second.size() == offset) {
      start = before->first;
      run.insert(0, before->second);
      runs_.erase(before);
    }
  }
  at = runs_.find(end);
  if (at != runs_.end()) {
    run += at->second;
    runs_.erase(at);
  }
  runs_.insert_or_assign(start, std::move(run));
  charge_.set(bytes_);
}

void PendingBytes::overlay(std::uint64_t offset, MutableBytes out) const {
  const std::uint64_t end = offset + out.size();
  auto at = runs_.upper_bound(offset);
  if (at != runs_.begin()) --at;
  for (; at != runs_.end() && at->first < end; ++at) {
    const std::uint64_t from = std::max(offset, at->first);
    const std::uint64_t to = std::min(end, at->first + at->second.size());
    if (from >= to) continue;
    std::memcpy(out.data() + (from - offset), at->second.data() + (from - at->first), to - from);
  }
}

void PendingBytes::erase(std::uint64_t from, std::uint64_t to) {
  if (from >= to) return;
  auto at = runs_.upper_bound(from);
  if (at != runs_.begin()) --at;
  while (at != runs_.end() && at->first < to) {
    const std::uint64_t start = at->first;
    const std::uint64_t end = start + at->second.size();
    if (end <= from) {
      ++at;
      continue;
    }
    std::string run = std::move(at->second);
    at = runs_.erase(at);
    bytes_ -= std::min(end, to) - std::max(start, from);
    if (end > to) at = runs_.emplace_hint(at, to, run.substr(to - start));
    if (start < from) runs_.emplace(start, run.substr(0, from - start));
    if (end > to) break;
  }
  charge_.set(bytes_);
}

PendingBytes::Runs PendingBytes::take() {
  bytes_ = 0;
  charge_.set(0);
  return std::exchange(runs_, {});
}

PendingBytes::Runs PendingBytes::cut(std::uint64_t from) {
  Runs gone;
  for (const auto& [start, run] : runs_) {
    if (start + run.size() <= from) continue;
    const std::uint64_t begin = std::max(start, from);
    gone.emplace(begin, run.substr(begin - start));
  }
  erase(from, UINT64_MAX);
  return gone;
}

void PendingBytes::charge_to(PendingRoom* room) {
  charge_.to(room);
  charge_.set(bytes_);
}

}  // namespace coffer
