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
Result<FoundObject> find_object_in(Namespace& names, InodeId bucket, std::string_view key,
                                   KeepBytes keep);
/// The version of that id, or (empty) the current one. NotFound also where it is a delete marker.
Result<FoundObject> find_version(Namespace& names, std::string_view bucket, std::string_view key,
                                 std::string_view version, KeepBytes keep);

}  // namespace coffer
