#pragma once
/// VersionPromotion: the newest version that has a row becomes what stands at its key.
///
/// @pre as VersionEdit.
/// Threads   one.

#include "vault/tree/object_info.h"
#include "vault/tree/tree_change.h"
#include "vault/tree/version_rows.h"

namespace coffer {

class VersionPromotion {
 public:
  VersionPromotion(Namespace& names, InodeId bucket, std::string_view key)
      : names_(names), bucket_(bucket), key_(key) {}

  Result<void> prepare(const VersionRow& row);
  /// To be locked with the rest; null before prepare().
  [[nodiscard]] const InodeRef& inode() const { return inode_; }
  /// Its row goes; the entry, which names it from now on, is the caller's.
  void to_file(TreeChange& change) const;
  /// It becomes the object of this directory, which is none now: the inode stays for its bytes, or goes.
  Result<void> to_directory(TreeChange& change, Inode& directory) const;

 private:
  Namespace& names_;
  const InodeId bucket_;
  const std::string key_;
  VersionRow row_;
  InodeRef inode_;
};

}  // namespace coffer
