#pragma once
/// OwnerIndex: whose bytes a stripe holds, sealed into the stripe itself, so that cleaning and
/// salvage need no database. Format: docs/format.md §3.4.
///
/// Threads   plain values. Errors: decode gives Corrupt.

#include <cstdint>
#include <string>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/core/strong_id.h"
#include "coffer/vault/ids.h"

namespace coffer {

/// One run as it was appended: file bytes [file_offset, file_offset + bytes) of `inode`.
struct OwnerEntry {
  std::uint8_t shard = 0;
  std::uint32_t offset = 0;   // in the shard's payload
  std::uint32_t ordinal = 0;  // of the run's first chunk
  std::uint32_t bytes = 0;    // plaintext
  InodeId inode;
  ByteOffset file_offset;

  bool operator==(const OwnerEntry&) const = default;
};

class OwnerIndex {
 public:
  void add(const OwnerEntry& entry);
  /// What encode() of this index with `entry` added would take.
  [[nodiscard]] std::uint32_t bytes_with(const OwnerEntry& entry) const;
  [[nodiscard]] const std::string& encoded() const { return encoded_; }
  [[nodiscard]] bool empty() const { return encoded_.empty(); }

  static Result<std::vector<OwnerEntry>> decode(Bytes plain);

 private:
  std::string encoded_;
};

}  // namespace coffer
