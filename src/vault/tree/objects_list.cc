// ObjectService: ListObjects.

#include "vault/tree/key_walker.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_info.h"
#include "vault/tree/object_path.h"
#include "vault/tree/object_service.h"

namespace coffer {
namespace {

/// The common prefix that the key falls under, or nothing.
std::optional<std::string> common_prefix(const ListRequest& request, const std::string& key) {
  if (request.delimiter.empty() || !key.starts_with(request.prefix)) return std::nullopt;
  const std::size_t at = key.find(request.delimiter, request.prefix.size());
  if (at == std::string::npos) return std::nullopt;
  return key.substr(0, at + request.delimiter.size());
}

/// The first key that may come behind `start_after`; nothing if none can.
std::optional<std::string> first_key(const ListRequest& request) {
  if (request.start_after.empty() || request.start_after < request.prefix) return request.prefix;
  if (common_prefix(request, request.start_after) == request.start_after) {
    std::string behind = keys::prefix_end(request.start_after);
    if (behind.empty()) return std::nullopt;
    return behind;
  }
  return request.start_after + std::string(1, '\0');
}

/// A directory that mkdir made and that has entries: its keys show it. Listed as `k/` besides, it would be a file of that name to
/// clients that copy a tree. An empty one, and one that was put as an object, lists.
bool shows_through_its_keys(Namespace& names, InodeId directory) {
  const auto inode = names.deps().inodes->get(directory);
  if (!inode) return false;
  SharedLock lock((*inode)->mutex);
  const InodeRecord& record = (*inode)->record;
  return record.attributes.size > 0 && !record.has(InodeRecord::kHasObject);
}

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

Result<ListPage> ObjectService::list(std::string_view bucket, const ListRequest& request) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  ListPage page;
  const std::optional<std::string> first = first_key(request);
  if (!first || request.max_keys == 0) return page;

  KeyWalker walker(names_, directory->id);
  COFFER_ASSIGN(auto item, walker.seek(*first));
  std::size_t count = 0;
  while (item && item->key.starts_with(request.prefix)) {
    if (count == request.max_keys) {
      page.truncated = true;
      return page;
    }
    if (auto prefix = common_prefix(request, item->key)) {
      page.next = *prefix;
      const std::string behind = keys::prefix_end(*prefix);
      page.common_prefixes.push_back(std::move(*prefix));
      ++count;
      if (behind.empty()) break;
      COFFER_ASSIGN(item, walker.seek(behind));
      continue;
    }
    if (item->is_directory && shows_through_its_keys(names_, item->inode)) {
      COFFER_ASSIGN(item, walker.next());
      continue;
    }
    std::optional<ObjectInfo> info;
    if (!item->is_directory) {
      COFFER_ASSIGN(info, listed_info(names_, *item));
    }
    if (!info) {
      // `k/`, or replaced since the walker's moment: what stands at the key now counts.
      auto now = head(bucket, item->key);
      if (now) {
        info = *std::move(now);
      } else if (now.error().code != Errc::NotFound && now.error().code != Errc::NotDirectory) {
        return fail(std::move(now).error());
      }
    }
    if (info) {
      ObjectMetadata shown;
      shown.etag = info->etag;
      shown.checksums = std::move(info->metadata.checksums);
      shown.properties = std::move(info->metadata.properties);
      info->metadata = std::move(shown);
      page.next = item->key;
      page.objects.push_back(*std::move(info));
      ++count;
    }
    COFFER_ASSIGN(item, walker.next());
  }
  page.next.clear();
  return page;
}

}  // namespace coffer
