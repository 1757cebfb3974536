#pragma once
/// read_manifest: which tables and logs a RocksDB MANIFEST names, without opening the database.
///
/// Knows the record format of RocksDB's logs and the version edits that one column family writes (7.8). The bytes
/// were authenticated before, so checksums are not checked again.
///
/// Errors    Corrupt (not a manifest), NotSupported (an edit that this reader does not know).

#include <cstdint>
#include <map>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer::meta {

struct ManifestContent {
  std::map<std::uint64_t, std::uint64_t> tables;  // file number → plaintext size
  std::uint64_t first_log = 0;                    // logs below this number are flushed
};

Result<ManifestContent> read_manifest(std::string_view plain);

}  // namespace coffer::meta
