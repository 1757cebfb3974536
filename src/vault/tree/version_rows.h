#pragma once
/// Rows of versions: of what stood at a key of a versioned bucket before, and of delete markers. Format: docs/format.md §5.11.
///
/// The current version has no row here: the entry names its inode, and the inode says which version it is (VersionTag). A row is
/// older than the current version, and the rows of one key sort from the newest to the oldest.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/clock.h"
#include "coffer/core/error.h"
#include "vault/meta/meta_store.h"
#include "vault/tree/inode_record.h"

namespace coffer {

struct VersionRow {
  std::uint64_t sequence = 0;  // in the key
  bool marker = false;
  bool is_null = false;
  InodeId inode;   // of a version
  Timespec since;  // when it was made (a marker), or when another one took its place
  std::map<std::string, std::string> properties = {};  // of a marker
};

std::string encode_version(const VersionRow& row);
Result<VersionRow> decode_version(std::uint64_t sequence, std::string_view value);

/// Reads back a row's key. Nothing: it is damaged.
struct VersionKey {
  std::string key;
  std::uint64_t sequence = 0;
};
std::optional<VersionKey> parse_version_key(std::string_view row);

/// The id that clients are told.
std::string version_id(std::uint64_t sequence, bool is_null);
std::string version_id(const std::optional<VersionTag>& tag);
/// Of an id that is not "null"; nothing if it is none of ours.
std::optional<std::uint64_t> sequence_of(std::string_view id);

// What is in the rows of one key. Stable while the entries of the deepest directory on the key's way are held.
Result<std::optional<VersionRow>> newest_version(MetaStore& meta, InodeId bucket,
                                                 std::string_view key);
Result<std::optional<VersionRow>> null_version(MetaStore& meta, InodeId bucket,
                                               std::string_view key);
/// InvalidArgument: no id.
Result<std::optional<VersionRow>> version_of_id(MetaStore& meta, InodeId bucket,
                                                std::string_view key, std::string_view id);
/// The newest one that is older than that number.
Result<std::optional<VersionRow>> version_behind(MetaStore& meta, InodeId bucket,
                                                 std::string_view key, std::uint64_t sequence);
Result<bool> has_versions(MetaStore& meta, InodeId bucket);

}  // namespace coffer
