#pragma once
/// LocalFileArea: superblock, key slots and metadata files in a local directory.
///
/// Borrows   the volume's root directory descriptor; it outlives the area (open files do not need
///           it).
/// Threads   any.
/// Errors    as FileArea says; InvalidArgument for a path that is absolute or leads out. A file
///           opened to read answers append with ReadOnly; after a failed sync a handle takes no
///           append and no sync again.

#include "vault/volume/volume.h"

namespace coffer {

class LocalFileArea final : public FileArea {
 public:
  explicit LocalFileArea(int root) : root_(root) {}

  Result<std::unique_ptr<AreaFile>> create(std::string_view path, Create mode) override;
  Result<std::unique_ptr<AreaFile>> open(std::string_view path) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<void> remove_directory(std::string_view path) override;
  Result<std::vector<AreaEntry>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path) override;
  Result<void> reserve(std::string_view path, ByteCount bytes) override;

 private:
  const int root_;
};

}  // namespace coffer
