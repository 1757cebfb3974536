#pragma once
/// InodeRecord: the value of an inode row. Format: docs/format.md §5.2.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/vault/attributes.h"

namespace coffer {

/// Which version of which object of a versioned bucket an inode is.
struct VersionTag {
  std::uint64_t sequence = 0;  // 0: from before the bucket had versions, none yet
  bool is_null = false;        // its id is "null", whatever its number
  std::string key;             // of a file; of the directory `k/` empty
};

struct InodeRecord {
  // What the rows of other kinds say beside it, and what it is for the gateway.
  static constexpr std::uint16_t kMarker =
      1;  // directory that lists as the object `k/` (mkdir, or PUT of `k/`)
  static constexpr std::uint16_t kBucketMade = 2;  // directory made by CreateBucket
  static constexpr std::uint16_t kHasObject = 4;   // an object row (kObject) exists
  static constexpr std::uint16_t kHasXattrs = 8;   // xattr rows may exist
  static constexpr std::uint16_t kExtentRows =
      16;  // extents are rows; else all of them are in `extents`
  static constexpr std::uint16_t kHidden =
      32;  // part of an upload, object being written, body of `k/`: no dentry names it
  static constexpr std::uint16_t kTwins =
      64;  // directory in which a file stood beside a directory of its name
  static constexpr std::uint16_t kImmutable = 128;  // Protection
  static constexpr std::uint16_t kAppendOnly = 256;
  static constexpr std::uint16_t kHasSettings = 512;  // a bucket settings row exists
  static constexpr std::uint16_t kHasParts = 1024;    // an object parts row exists
  static constexpr std::uint16_t kVersion = 2048;     // `version` is there
  static constexpr std::uint16_t kSealed = 4096;      // a change of its bytes makes another version
  static constexpr std::uint16_t kLocked = 8192;      // its object row says how it is locked

  Attributes attributes;
  std::uint16_t flags = 0;
  InodeId parent;  // directories: their parent; files that are a version: the bucket; others: 0
  std::uint64_t content_version = 0;  // grows with every committed change of content: derived ETags
  std::string symlink_target;
  std::optional<VersionTag> version;
  std::string extents;  // encoded extents (extent.h) when kExtentRows is not set

  [[nodiscard]] bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
  [[nodiscard]] Protection protection() const { return {has(kImmutable), has(kAppendOnly)}; }
  void protect(Protection wanted);
  /// From now on it is this version (nothing: none). A file's `parent` is the bucket then.
  void set_version(std::optional<VersionTag> tag);
};

std::string encode_inode(const InodeRecord& record);
Result<InodeRecord> decode_inode(InodeId inode, std::string_view value);

}  // namespace coffer
