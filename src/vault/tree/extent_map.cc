#include "vault/tree/extent_map.h"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace coffer {
namespace {
// Beyond this many windows a range is cheaper to load as one scan of all rows.
constexpr std::uint64_t kWindowsByOneMax = 64;

std::uint64_t window_of(std::uint64_t offset) { return offset & ~(ExtentMap::kWindowBytes - 1); }
}  // namespace

void ExtentMap::reset(std::vector<Extent> all) {
  windows_.clear();
  changed_.clear();
  shared_changed_.clear();
  length_change_ = 0;
  count_ = 0;
  all_loaded_ = true;
  for (Extent& extent : all) {
    ++count_;
    const std::uint64_t offset = extent.offset;
    windows_[window_of(offset)].emplace(offset, std::move(extent));
  }
}

void ExtentMap::reset_to_rows() {
  reset({});
  all_loaded_ = false;
}

bool ExtentMap::loaded(std::uint64_t from, std::uint64_t to) const {
  if (all_loaded_ || from >= to) return true;
  if ((window_of(to - 1) - window_of(from)) / kWindowBytes >= kWindowsByOneMax) return false;
  for (std::uint64_t window = window_of(from); window < to; window += kWindowBytes) {
    if (!windows_.contains(window)) return false;
  }
  return true;
}

Result<void> ExtentMap::load(std::uint64_t from, std::uint64_t to, const Loader& loader) {
  if (loaded(from, to)) return {};
  const bool everything = (window_of(to - 1) - window_of(from)) / kWindowBytes >= kWindowsByOneMax;
  std::uint64_t window = everything ? 0 : window_of(from);
  const std::uint64_t end = everything ? UINT64_MAX : to;
  while (window < end) {
    const std::uint64_t next = everything ? UINT64_MAX : window + kWindowBytes;
    if (everything || !windows_.contains(window)) {
      COFFER_ASSIGN(std::vector<Extent> found, loader(window, next));
      std::set<std::uint64_t> present;  // windows that memory already knows better than the rows
      if (everything) {
        for (const auto& [start, unused] : windows_) present.insert(start);
      }
      windows_.try_emplace(window);
      for (Extent& extent : found) {
        const std::uint64_t home = window_of(extent.offset);
        if (present.contains(home)) continue;
        const std::uint64_t offset = extent.offset;
        if (windows_[home].emplace(offset, std::move(extent)).second) ++count_;
      }
    }
    window = next;
  }
  if (everything) all_loaded_ = true;
  return {};
}

void ExtentMap::for_each(std::uint64_t from, std::uint64_t to,
                         const std::function<void(const Extent&)>& fn) const {
  for (auto window = windows_.lower_bound(window_of(from));
       window != windows_.end() && window->first < to; ++window) {
    auto at = window->second.upper_bound(from);
    if (at != window->second.begin() && std::prev(at)->second.end() > from) --at;
    for (; at != window->second.end() && at->first < to; ++at) fn(at->second);
  }
}

void ExtentMap::erase_one(Window& window, Window::iterator at) {
  const Extent& extent = at->second;
  changed_.insert(extent.offset);
  length_change_ -= static_cast<std::int64_t>(extent.length);
  if (extent.shared) {
    shared_changed_[{extent.place.segment, extent.run, extent.offset}] = false;
  }
  --count_;
  window.erase(at);
}

void ExtentMap::insert_one(Extent extent) {
  changed_.insert(extent.offset);
  length_change_ += static_cast<std::int64_t>(extent.length);
  if (extent.shared) shared_changed_[{extent.place.segment, extent.run, extent.offset}] = true;
  ++count_;
  const std::uint64_t offset = extent.offset;
  windows_[window_of(offset)].insert_or_assign(offset, std::move(extent));
}

std::vector<Extent> ExtentMap::remove(std::uint64_t from, std::uint64_t to) {
  std::vector<Extent> removed;
  if (from >= to) return removed;
  for (auto window = windows_.lower_bound(window_of(from));
       window != windows_.end() && window->first < to; ++window) {
    Window& extents = window->second;
    auto at = extents.upper_bound(from);
    if (at != extents.begin() && std::prev(at)->second.end() > from) --at;
    while (at != extents.end() && at->first < to) {
      const Extent whole = at->second;
      const auto next = std::next(at);
      const bool more = next != extents.end();
      const std::uint64_t next_offset = more ? next->first : 0;
      erase_one(extents, at);
      if (whole.offset < from) insert_one(whole.slice(whole.offset, from));
      if (whole.end() > to) insert_one(whole.slice(to, whole.end()));
      removed.push_back(whole.slice(from, to));
      if (!more) break;
      at = extents.find(next_offset);
    }
  }
  return removed;
}

void ExtentMap::insert(const Extent& extent) {
  std::uint64_t from = extent.offset;
  while (from < extent.end()) {
    const std::uint64_t to = std::min(extent.end(), window_of(from) + kWindowBytes);
    insert_one(extent.slice(from, to));
    from = to;
  }
}

bool ExtentMap::refers(std::uint64_t from, std::uint64_t to, SegmentId segment,
                       std::uint32_t ordinal) const {
  bool found = false;
  for_each(from, to, [&](const Extent& extent) {
    if (extent.is_inline || extent.place.segment != segment) return;
    found = found || (ordinal >= extent.place.ordinal &&
                      ordinal < extent.place.ordinal + extent.place.chunks());
  });
  return found;
}

std::set<std::uint64_t> ExtentMap::take_changes() { return std::exchange(changed_, {}); }

void ExtentMap::put_back_changes(const std::set<std::uint64_t>& changes) {
  changed_.insert(changes.begin(), changes.end());
}

ExtentMap::SharedChanges ExtentMap::take_shared_changes() {
  return std::exchange(shared_changed_, {});
}

void ExtentMap::put_back_shared_changes(const SharedChanges& changes) {
  shared_changed_.insert(changes.begin(), changes.end());  // newer ones stay
}

const Extent* ExtentMap::find(std::uint64_t offset) const {
  const auto window = windows_.find(window_of(offset));
  if (window == windows_.end()) return nullptr;
  const auto at = window->second.find(offset);
  return at == window->second.end() ? nullptr : &at->second;
}

std::vector<Extent> ExtentMap::all() const {
  assert(all_loaded_);
  std::vector<Extent> extents;
  extents.reserve(count_);
  for (const auto& [start, window] : windows_) {
    for (const auto& [offset, extent] : window) extents.push_back(extent);
  }
  return extents;
}

}  // namespace coffer
