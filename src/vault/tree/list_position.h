#pragma once
/// What the listings of a bucket have in common: where a page begins, what a delimiter gathers, what is told of a listed object.

#include <optional>
#include <string>

#include "vault/tree/key_walker.h"
#include "vault/tree/object_info.h"

namespace coffer {

/// The common prefix that the key falls under, or nothing.
std::optional<std::string> common_prefix(const ListRequest& request, const std::string& key);
/// The first key that may come behind `start_after`; nothing if none can.
std::optional<std::string> first_key(const ListRequest& request);

/// A directory that mkdir made and that has entries: its keys show it. Listed as `k/` besides, it would be a file of that name to
/// clients that copy a tree. An empty one, and one that was put as an object, lists.
bool shows_through_its_keys(Namespace& names, InodeId directory);
/// What the walk came by; or, where that was replaced since, what stands at the key now. Nothing: it is gone, or no object.
Result<std::optional<ObjectInfo>> listed_object(Namespace& names, InodeId bucket,
                                                const KeyWalker::Item& item);
/// Of the metadata what a listing tells: ETag, checksums, properties.
void keep_what_lists(ObjectMetadata& metadata, const std::string& etag);

}  // namespace coffer
