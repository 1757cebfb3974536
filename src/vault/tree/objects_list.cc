// ObjectService: ListObjects.

#include "vault/tree/key_walker.h"
#include "vault/tree/keys.h"
#include "vault/tree/list_position.h"
#include "vault/tree/object_path.h"
#include "vault/tree/object_service.h"

namespace coffer {

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
    COFFER_ASSIGN(auto info, listed_object(names_, directory->id, *item));
    if (info) {
      keep_what_lists(info->metadata, info->etag);
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
