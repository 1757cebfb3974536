#pragma once
/// Row keys of the metadata database. Format: docs/format.md §5.1, the only home of these layouts.
///
/// One prefix byte, then big-endian ids, so that RocksDB's byte order is the order of numbers. A directory's dentry key ends
/// in '/': an in-order walk of the tree is S3's key order (`a-b` < `a/b` < `a0`), and `a` and `a/` can both exist.

#include <cstdint>
#include <string>
#include <string_view>

#include "coffer/vault/ids.h"
#include "coffer/vault/uuid.h"

namespace coffer::keys {

// Every prefix that is taken.
enum Prefix : char {
  kCounter = 'A',         // next inode number, next cookie, …
  kBucketSettings = 'B',  // bucket inode                       → settings
  kDentry = 'D',          // parent, stored name [/]           → Dentry
  kExtent = 'E',          // inode, file offset                 → extent (extent.h)
  kForward = 'F',         // part inode                         → inode, offset it became part of
  kDegraded = 'G',        // segment, stripe, shard; or kWholeFile, slot → empty
  kSharedRun = 'H',       // segment, first ordinal             → shared run
  kInode = 'I',           // inode                              → InodeRecord
  kAccessKey = 'K',       // access key id                      → access key
  kLongName = 'L',        // parent, hash of the stored name    → stored name
  kObject = 'M',          // inode                              → object metadata
  kOrphan = 'O',  // inode                              → empty: no links left, to be reclaimed
  kPart = 'P',    // upload id, part number             → part
  kObjectParts = 'Q',  // inode                         → parts of a multipart object
  kDirectoryIndex =
      'R',  // parent, cookie                     → inode, type, stored name: readdir's order
  kSegment = 'S',          // segment                            → SegmentInfo
  kLiveBytes = 'T',        // segment                            → i64, changed by add()
  kUpload = 'U',           // bucket inode, escaped key, upload  → upload
  kVersion = 'V',          // bucket inode, escaped key, ~number → older version, marker
  kXattr = 'X',            // inode, name                        → value
  kSharedReference = 'h',  // segment, first ordinal, inode, file offset → empty
};

/// In a row of the degraded list, in the place of a stripe: all of the segment's file in that slot.
inline constexpr std::uint32_t kWholeFile = UINT32_MAX;

std::string counter(std::string_view name);
std::string inode(InodeId inode);
std::string dentry(InodeId parent, std::string_view stored_name, bool directory);
std::string dentry_prefix(InodeId parent);
std::string directory_index(InodeId parent, std::uint64_t cookie);
std::string directory_index_prefix(InodeId parent);
std::string long_name(InodeId parent, std::string_view hash);
std::string xattr(InodeId inode, std::string_view name);
std::string xattr_prefix(InodeId inode);
std::string extent(InodeId inode, std::uint64_t file_offset);
std::string extent_prefix(InodeId inode);
std::string object(InodeId inode);
std::string object_parts(InodeId inode);
std::string bucket_settings(InodeId bucket);
std::string orphan(InodeId inode);
std::string segment(SegmentId segment);
std::string live_bytes(SegmentId segment);
std::string degraded(SegmentId segment, std::uint32_t stripe, std::uint8_t shard);
std::string shared_run(SegmentId segment, std::uint32_t first_ordinal);
std::string shared_reference(SegmentId segment, std::uint32_t first_ordinal, InodeId inode,
                             std::uint64_t file_offset);
std::string shared_reference_prefix(SegmentId segment, std::uint32_t first_ordinal);
std::string forward(InodeId part);
std::string upload(InodeId bucket, std::string_view key, std::string_view upload_id);
std::string upload_prefix(InodeId bucket);
std::string upload_key_prefix(InodeId bucket, std::string_view key);
std::string part(std::string_view upload_id, std::uint32_t number);
std::string part_prefix(std::string_view upload_id);
std::string version(InodeId bucket, std::string_view key, std::uint64_t sequence);
std::string version_prefix(InodeId bucket);
std::string version_key_prefix(InodeId bucket, std::string_view key);
std::string access_key(std::string_view id);

/// The least key that is greater than every key with this prefix: the upper bound of a scan.
std::string prefix_end(std::string_view prefix);
/// Reads back what follows the prefix byte. @pre key is of that kind (checked: InodeId{0} if too short).
InodeId inode_of(std::string_view key);
std::uint64_t second_number_of(std::string_view key);          // cookie or file offset
std::string_view stored_name_of(std::string_view dentry_key);  // with its trailing '/'

}  // namespace coffer::keys
