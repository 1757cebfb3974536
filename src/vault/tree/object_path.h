#pragma once
/// Object keys as paths: parsing, walking, and which names S3 is shown.

#include <string>
#include <string_view>
#include <vector>

#include "vault/tree/namespace.h"

namespace coffer {

inline constexpr std::size_t kObjectKeyBytesMax = 1024;

/// A key, split at every '/': `a//b` is the file "b" in the directory "" in the directory "a"; `k/` is the directory "k".
struct ObjectKey {
  std::vector<std::string> directories;
  std::string name;
  bool is_directory = false;
};

/// InvalidArgument: empty or not UTF-8; NameTooLong: over 1024 bytes.
Result<ObjectKey> parse_object_key(std::string_view key);
bool is_utf8(std::string_view text);
/// A top-level directory of this name is a bucket: 3 to 63 of a-z 0-9 - . , letters or digits at both ends.
bool may_be_bucket(std::string_view name);
/// By the key's extension; binary/octet-stream if it says nothing.
std::string_view content_type_of(std::string_view key);

/// NotFound: no such bucket.
Result<InodeRef> bucket_directory(Namespace& names, std::string_view bucket);

/// The directories of a key that exist, from the bucket down.
struct ObjectPlace {
  std::vector<InodeRef> chain;
  [[nodiscard]] const InodeRef& parent() const { return chain.back(); }
  [[nodiscard]] std::size_t reached() const { return chain.size() - 1; }  // of key.directories
  [[nodiscard]] bool complete(const ObjectKey& key) const {
    return reached() == key.directories.size();
  }
};
/// NotDirectory: a symlink stands on the way; S3 follows none. @pre the gate is held
Result<ObjectPlace> walk(Namespace& names, std::string_view bucket, const ObjectKey& key);
/// The same from the bucket's directory.
Result<ObjectPlace> walk_from(Namespace& names, InodeRef top, const ObjectKey& key);

}  // namespace coffer
