#pragma once
/// ExtentMap: a file's extents, in order, without overlap; gaps are holes. Loaded by windows of 16
/// MiB, so that a small access to a huge fragmented file reads little. Extents never cross a
/// window's border.
///
/// Threads   as its inode's mutex says.
/// Owns      the loaded extents and the list of changes that the next commit writes.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "vault/tree/extent.h"

namespace coffer {

class ExtentMap {
 public:
  static constexpr std::uint64_t kWindowBytes = std::uint64_t{16} << 20;
  /// Gives the extents that start in [from, to), in order, from the rows.
  using Loader = std::function<Result<std::vector<Extent>>(std::uint64_t from, std::uint64_t to)>;

  /// All extents are known (new file, or they came with the inode row).
  void reset(std::vector<Extent> all);
  /// Extents are rows: windows are loaded when touched.
  void reset_to_rows();

  /// Makes the windows that touch [from, to) present. Needed before any call below on that range.
  Result<void> load(std::uint64_t from, std::uint64_t to, const Loader& loader);
  [[nodiscard]] bool loaded(std::uint64_t from, std::uint64_t to) const;

  /// Calls `fn` for each extent that overlaps [from, to), whole, in order.
  void for_each(std::uint64_t from, std::uint64_t to,
                const std::function<void(const Extent&)>& fn) const;
  /// Removes [from, to): extents are cut at the borders; gives the removed pieces.
  std::vector<Extent> remove(std::uint64_t from, std::uint64_t to);
  /// Inserts where nothing stands. Splits at window borders.
  void insert(const Extent& extent);
  /// Does an extent overlapping [from, to) still refer to this chunk?
  [[nodiscard]] bool refers(std::uint64_t from, std::uint64_t to, SegmentId segment,
                            std::uint32_t ordinal) const;

  /// Offsets whose rows changed since take_changes(): for each, find() gives the extent that starts
  /// there or none (delete).
  /// By how many bytes the extents' total length changed since the last take.
  std::int64_t take_length_change() { return std::exchange(length_change_, 0); }
  std::set<std::uint64_t> take_changes();
  void put_back_changes(const std::set<std::uint64_t>& changes);
  [[nodiscard]] const Extent* find(std::uint64_t offset) const;
  [[nodiscard]] bool all_loaded() const { return all_loaded_; }
  [[nodiscard]] std::size_t count() const { return count_; }  // of loaded extents
  [[nodiscard]] std::vector<Extent> all() const;              // @pre all_loaded()

  /// Which references of shared runs came (true) or went (false) since the last take.
  struct SharedKey {
    SegmentId segment;
    std::uint32_t run = 0;
    std::uint64_t offset = 0;
    auto operator<=>(const SharedKey&) const = default;
  };
  using SharedChanges = std::map<SharedKey, bool>;
  SharedChanges take_shared_changes();
  void put_back_shared_changes(const SharedChanges& changes);

 private:
  using Window = std::map<std::uint64_t, Extent>;  // offset → extent
  void erase_one(Window& window, Window::iterator at);
  void insert_one(Extent extent);

  std::map<std::uint64_t, Window> windows_;  // by the window's start; present means loaded
  std::set<std::uint64_t> changed_;
  SharedChanges shared_changed_;
  std::int64_t length_change_ = 0;
  std::size_t count_ = 0;
  bool all_loaded_ = true;
};

}  // namespace coffer
