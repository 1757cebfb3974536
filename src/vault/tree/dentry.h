#pragma once
/// Dentry: the value of a dentry row, and of its directory-index row. Format: docs/format.md §5.3.
///
/// Every entry has two rows, written in one batch: by name (kDentry; lookup and S3 listing) and by cookie (kDirectoryIndex;
/// readdir). Cookies come from one counter of the vault and are never reused, so a listing resumes exactly.

#include <cstdint>
#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/vault/attributes.h"

namespace coffer {

struct Dentry {
  InodeId inode;
  FileType type = FileType::Regular;
  std::uint64_t cookie = 0;
};

struct IndexedEntry {
  InodeId inode;
  FileType type = FileType::Regular;
  std::string stored_name;  // without the trailing '/'
};

std::string encode_dentry(const Dentry& dentry);
Result<Dentry> decode_dentry(std::string_view value);
std::string encode_indexed_entry(const IndexedEntry& entry);
Result<IndexedEntry> decode_indexed_entry(std::string_view value);

}  // namespace coffer
