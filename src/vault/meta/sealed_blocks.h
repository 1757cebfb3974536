#pragma once
/// BlockSealer and open_block: files that are written once from front to back and then read anywhere.
///
/// Format    docs/format.md §4.2: header, then blocks of kBlockBytes plaintext, the last one shorter or equal and
///           marked as last, with the file's size, in its AAD: a file cut at a block's end does not verify.
/// Invariant The nonce is the block's index. The last block is sealed by finish() alone, once; append() after it is
///           an error, never a block sealed again.
/// Threads   one thread per sealer; open_block from any.

#include <cstdint>
#include <string>

#include "vault/meta/sealed_identity.h"

namespace coffer::meta {

/// Small, since a point read decrypts whole blocks: a table block of 4–8 KiB touches two or three of these.
inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kSealedBlockBytes = kBlockBytes + crypto::Aead::kTagBytes;

class BlockSealer {
 public:
  explicit BlockSealer(const SealedIdentity& identity) : identity_(identity) {}
  /// Appends sealed blocks to `out` as they fill up.
  Result<void> append(Bytes plain, std::string& out);
  Result<void> finish(std::string& out);
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  Result<void> seal(Bytes plain, std::uint64_t total, std::string& out);

  const SealedIdentity& identity_;
  std::string tail_;  // at most one block: a full one waits, since it may be the last
  std::uint64_t index_ = 0;
  std::uint64_t plain_bytes_ = 0;
  bool finished_ = false;
};

/// Where things are in a file of `disk_bytes`. Corrupt for a size that no finished file has.
struct BlockLayout {
  std::uint64_t plain_bytes = 0;
  std::uint64_t blocks = 0;
  static Result<BlockLayout> of(std::uint64_t disk_bytes);
  [[nodiscard]] std::uint64_t disk_offset(std::uint64_t block) const {
    return SealedIdentity::kHeaderBytes + block * kSealedBlockBytes;
  }
  [[nodiscard]] std::uint32_t plain_size(std::uint64_t block) const {
    return block + 1 < blocks ? kBlockBytes
                              : static_cast<std::uint32_t>(plain_bytes - block * kBlockBytes);
  }
};

/// @pre sealed.size() == plain_size(block) + tag; out.size() == plain_size(block)
Result<void> open_block(const SealedIdentity& identity, const BlockLayout& layout,
                        std::uint64_t block, Bytes sealed, MutableBytes out);

}  // namespace coffer::meta
