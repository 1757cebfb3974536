#pragma once
/// BlockFile: an open table or small file, read anywhere, from the first mirror that verifies.
///
/// Owns      the mirrors' read handles, opened when first needed.
/// Threads   any.
/// Errors    AuthenticationFailed or Corrupt when no mirror gives a block that verifies, NotFound, Io. Never bytes
///           that did not verify.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/meta/mirror_set.h"
#include "vault/meta/sealed_blocks.h"

namespace coffer {
class AreaFile;
class FileArea;
}  // namespace coffer

namespace coffer::meta {

class BlockFile {
 public:
  /// Verifies header and last block, so that a file that was cut is never opened.
  static Result<std::unique_ptr<BlockFile>> open(const SealingContext& context, MirrorSet& mirrors,
                                                 std::string name);
  ~BlockFile();

  [[nodiscard]] std::uint64_t size() const { return layout_.plain_bytes; }
  /// Fills `out` from `offset` on; fewer bytes at the end of the file.
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) EXCLUDES(mutex_);
  [[nodiscard]] const SealedIdentity& identity() const { return *identity_; }
  [[nodiscard]] const BlockLayout& layout() const { return layout_; }
  /// Blocks as they lie on disk, each of them verified: for a copy on another volume. @pre they exist
  Result<std::string> read_sealed(std::uint64_t first, std::uint64_t count) EXCLUDES(mutex_);
  /// Every block of this mirror's copy, without help of the others.
  Result<void> verify(std::size_t mirror) EXCLUDES(mutex_);
  /// A whole copy at `path`, synced; the name's directory is not.
  Result<void> copy_to(FileArea& files, const std::string& path) EXCLUDES(mutex_);
  /// Which mirrors hold this very file, as far as header and last block tell. By mirror.
  std::vector<bool> present() EXCLUDES(mutex_);

 private:
  struct Copy {
    std::shared_ptr<AreaFile> file;
    bool tried = false;
  };
  BlockFile(SealingContext context, MirrorSet& mirrors, std::string name);

  Result<void> open_any();
  std::shared_ptr<AreaFile> copy(std::size_t mirror) EXCLUDES(mutex_);
  Result<std::shared_ptr<AreaFile>> open_copy(std::size_t mirror) REQUIRES(mutex_);
  Result<void> read_blocks(AreaFile& file, std::uint64_t first, std::uint64_t count,
                           std::uint64_t offset, MutableBytes out) const;

  const SealingContext context_;
  MirrorSet& mirrors_;
  const std::string name_;
  std::optional<SealedIdentity> identity_;  // const once open() returned
  BlockLayout layout_;                      // likewise
  Mutex mutex_;
  std::vector<Copy> copies_ GUARDED_BY(mutex_);
};

}  // namespace coffer::meta
