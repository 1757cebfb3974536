#pragma once
/// MemoryFile: one simulated file: what readers see (the page cache) and what the medium would
/// keep.
///
/// A sector (512 bytes) is the unit that a power cut keeps or drops whole. A changed sector is
/// dirty until a sync; after a failed sync it is lost: readers still see it, no later sync writes
/// it (Linux marks the page clean). The old content of changed sectors is kept aside, so that
/// memory holds the file about once.
///
/// A value: copying it copies the file. Not synchronised.

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "coffer/core/bytes.h"

namespace coffer {

/// Disjoint, merged, half-open ranges of numbers.
class RangeSet {
 public:
  using Map = std::map<std::uint64_t, std::uint64_t>;  // begin → end
  void add(std::uint64_t begin, std::uint64_t end);
  void subtract(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] bool contains(std::uint64_t at) const { return overlaps(at, at + 1); }
  [[nodiscard]] bool overlaps(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] const Map& ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  void clear() { ranges_.clear(); }

 private:
  Map ranges_;
};

class MemoryFile {
 public:
  static constexpr std::uint64_t kSectorBytes = 512;
  static constexpr std::uint64_t kBlockBytes = 4096;  // unit of space
  using Random = std::mt19937_64;

  void write(std::uint64_t at, Bytes bytes);
  /// Bytes read; short at the end.
  [[nodiscard]] std::size_t read(std::uint64_t at, MutableBytes into) const;
  void truncate();  // to nothing
  /// Takes space beyond the content, which reads as zeros. Durable at once.
  void reserve(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::uint64_t allocated() const;
  /// What allocated() would be after a write of [0, end).
  [[nodiscard]] std::uint64_t allocated_with(std::uint64_t end) const;

  void sync();
  void fail_sync();
  /// Keeps a random part of what was not durable.
  void power_cut(Random& random);
  /// The page cache goes: lost sectors read as what the medium has.
  void evict();

  /// Changes the medium itself (and what readers see of it), durably.
  void replace(std::string content);
  [[nodiscard]] const std::string& content() const { return data_; }

 private:
  void keep_old(std::uint64_t first_sector, std::uint64_t end_sector);
  void revert(std::uint64_t sector);

  std::string data_;
  std::uint64_t durable_size_ = 0;
  std::uint64_t reserved_ = 0;
  RangeSet dirty_;  // sectors; disjoint from lost_
  RangeSet lost_;
  std::map<std::uint64_t, std::string> old_;  // of changed sectors; zeros where there is none
};

}  // namespace coffer
