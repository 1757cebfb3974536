#pragma once
/// Finding an object by bucket and key.

#include "vault/tree/object_info.h"
#include "vault/tree/object_path.h"

namespace coffer {

/// Yes: the inode with the bytes gets a reader, which the caller drops.
enum class KeepBytes : std::uint8_t { No, Yes };

/// NotFound: no such bucket or key; NotDirectory: a symlink on the way; InvalidArgument, NameTooLong: no key. Takes the gate.
Result<FoundObject> find_object(Namespace& names, std::string_view bucket, std::string_view key,
                                KeepBytes keep);

}  // namespace coffer
