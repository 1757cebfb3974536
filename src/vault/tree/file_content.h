#pragma once
/// FileContent: what an inode's bytes are made of in memory: extents, and small writes not yet
/// sealed.
///
/// Pending bytes lie over the extents. They are sealed into chunks when they grow beyond
/// kPendingBytesMax, at close and by the background commit; at an fsync, when few, they become
/// inline extents: rows in the batch that names them.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coffer/core/bytes.h"
#include "vault/tree/extent_map.h"
#include "vault/tree/pending_room.h"

namespace coffer {

using LiveBytes = std::map<SegmentId, std::int64_t>;

class PendingBytes {
 public:
  static constexpr std::uint64_t kBytesMax = 128 * 1024;

  void write(std::uint64_t offset, Bytes data);
  /// Copies what it has of [offset, offset + out.size()) over `out`.
  void overlay(std::uint64_t offset, MutableBytes out) const;
  /// Forgets [from, to).
  void erase(std::uint64_t from, std::uint64_t to);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool empty() const { return runs_.empty(); }
  /// Maximal runs in order: offset → bytes.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& runs() const { return runs_; }
  using Runs = std::map<std::uint64_t, std::string>;
  Runs take();
  /// Takes what it has at and behind `from`.
  Runs cut(std::uint64_t from);
  /// What it holds from now on is held of `room` (null: of none).
  void charge_to(PendingRoom* room);

 private:
  std::map<std::uint64_t, std::string> runs_;
  std::uint64_t bytes_ = 0;
  PendingRoom::Charge charge_;
};

struct FileContent {
  ExtentMap extents;
  PendingBytes pending;
  std::vector<Reference>
      uncommitted;  // references that no committed row names yet: the next batch needs them
  // Live bytes by segment that the next batch adds and takes away (segment_ledger.h).
  LiveBytes added, removed;

  std::uint64_t settled_size =
      0;  // the file's size without what is pending; valid while something is
  std::uint64_t extent_bytes =
      0;  // total length of the extents: st_blocks, without what is pending

  // What stage() put into a batch that is not yet known to be committed.
  std::set<std::uint64_t> staged_changes;
  ExtentMap::SharedChanges staged_shared;
};

}  // namespace coffer
