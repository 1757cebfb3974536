#pragma once
/// VersionEdit: what a change at a key of a versioned bucket keeps of what stood there, and makes of what comes.
///
///   Enabled    what stood there becomes a row; what comes gets an id of its own
///   Suspended  what comes is the version "null": the null version there was goes, current or not; any other becomes a row
///
/// Everything goes into the batch of the caller's TreeChange: entry, rows and inodes change together or not at all.
///
///   prepare() ──► TreeChange::lock(with concerned()) ──► keep_file() | keep_directory() | the caller drops it
///                                                   ──► drop_null() ──► tag_file(), tag_directory() or put_marker()
///
/// @pre throughout: the gate is held, and exclusively the `entries` of the deepest directory on the key's way (docs/architecture.md,
/// "Versions").
/// Threads   one.

#include "vault/tree/object_info.h"
#include "vault/tree/tree_change.h"
#include "vault/tree/version_rows.h"

namespace coffer {

class VersionEdit {
 public:
  VersionEdit(Namespace& names, InodeId bucket, Versioning state, std::string_view key)
      : names_(names), bucket_(bucket), state_(state), key_(key) {}
  VersionEdit(const VersionEdit&) = delete;
  VersionEdit& operator=(const VersionEdit&) = delete;

  /// `present`: the object that stands there (null: none), a file or the directory of `k/`, whose bytes are `body` (or null).
  Result<void> prepare(const InodeRef& present, const InodeRef& body);
  /// Inodes that the change has to lock beside those of the caller.
  [[nodiscard]] std::vector<InodeRef> concerned() const { return {made_, old_null_inode_}; }
  /// The object that stands there becomes a version: the caller takes its entry or flags away, and no link.
  [[nodiscard]] bool keeps() const { return keeps_; }

  /// The link of its entry is the row's now.
  Result<void> keep_file(TreeChange& change, Inode& file);
  /// `etag` and `modified` are what S3 was shown of it. Its object row is the caller's to overwrite or remove, its body is taken.
  Result<void> keep_directory(TreeChange& change, Inode& directory, const ObjectInfo& shown);
  /// A null version that is not current goes, because another one comes.
  Result<void> drop_null(TreeChange& change);

  enum class Bytes : std::uint8_t { Complete, BeingWritten };
  void tag_file(Inode& file, Bytes bytes) const;
  void tag_directory(Inode& directory) const;
  void put_marker(TreeChange& change, const std::map<std::string, std::string>& properties) const;
  /// The change did not come to be. @pre nothing is locked
  void abandon() const {
    if (made_) made_->reclaimed = true;  // nobody else ever saw it
  }
  [[nodiscard]] std::string new_id() const {
    return version_id(next_, state_ == Versioning::Suspended);
  }

 private:
  [[nodiscard]] bool suspended() const { return state_ == Versioning::Suspended; }
  void put_row(TreeChange& change, Inode& version, bool is_null) const;

  Namespace& names_;
  const InodeId bucket_;
  const Versioning state_;
  const std::string key_;
  bool keeps_ = false;
  std::uint64_t kept_ = 0;  // the number of what stood there
  std::uint64_t next_ = 0;  // of what comes
  InodeRef body_;
  InodeRef made_;  // becomes the version of a `k/` that has no bytes
  std::optional<VersionRow> old_null_;
  InodeRef old_null_inode_;
};

}  // namespace coffer
