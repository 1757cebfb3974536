#include "vault/tree/list_position.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_lookup.h"
#include "vault/tree/object_path.h"

namespace coffer {
namespace {

/// Info of a listed file; nothing if it is gone.
Result<std::optional<ObjectInfo>> listed_info(Namespace& names, const KeyWalker::Item& item) {
  auto inode = names.deps().inodes->get(item.inode);
  if (!inode) {
    if (inode.error().code == Errc::NotFound) return std::optional<ObjectInfo>{};
    return fail(std::move(inode).error());
  }
  SharedLock lock((*inode)->mutex);
  if ((*inode)->reclaimed || (*inode)->record.attributes.nlink == 0)
    return std::optional<ObjectInfo>{};
  COFFER_ASSIGN(const auto record, object_record(names, **inode));
  return std::optional<ObjectInfo>(file_info(item.key, **inode, record));
}

}  // namespace

std::optional<std::string> common_prefix(const ListRequest& request, const std::string& key) {
  if (request.delimiter.empty() || !key.starts_with(request.prefix)) return std::nullopt;
  const std::size_t at = key.find(request.delimiter, request.prefix.size());
  if (at == std::string::npos) return std::nullopt;
  return key.substr(0, at + request.delimiter.size());
}

std::optional<std::string> first_key(const ListRequest& request) {
  if (request.start_after.empty() || request.start_after < request.prefix) return request.prefix;
  if (common_prefix(request, request.start_after) == request.start_after) {
    std::string behind = keys::prefix_end(request.start_after);
    if (behind.empty()) return std::nullopt;
    return behind;
  }
  return request.start_after + std::string(1, '\0');
}

bool shows_through_its_keys(Namespace& names, InodeId directory) {
  const auto inode = names.deps().inodes->get(directory);
  if (!inode) return false;
  SharedLock lock((*inode)->mutex);
  const InodeRecord& record = (*inode)->record;
  return record.attributes.size > 0 && !record.has(InodeRecord::kHasObject);
}

Result<std::optional<ObjectInfo>> listed_object(Namespace& names, InodeId bucket,
                                                const KeyWalker::Item& item) {
  if (!item.is_directory) {
    COFFER_ASSIGN(auto info, listed_info(names, item));
    if (info) return std::optional<ObjectInfo>(std::move(info));
  }
  auto now = find_object_in(names, bucket, item.key, KeepBytes::No);
  if (now) return std::optional<ObjectInfo>(std::move(now->info));
  const Errc why = now.error().code;
  if (why != Errc::NotFound && why != Errc::NotDirectory) return fail(std::move(now).error());
  return std::optional<ObjectInfo>{};
}

void keep_what_lists(ObjectMetadata& metadata, const std::string& etag) {
  ObjectMetadata shown;
  shown.etag = etag;
  shown.checksums = std::move(metadata.checksums);
  shown.properties = std::move(metadata.properties);
  metadata = std::move(shown);
}

}  // namespace coffer
