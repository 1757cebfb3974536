// TreeService in versioned buckets: what the mount makes, changes and removes there has versions too (docs/architecture.md, "Versions").

#include "vault/tree/tree_service.h"
#include "vault/tree/version_fork.h"

namespace coffer {
namespace {
constexpr std::size_t kAdoptAtOnce = 64;
}

Result<std::unique_ptr<VersionEdit>> TreeService::version_edit(InodeId parent,
                                                               std::string_view stored,
                                                               FileType type) {
  const bool has_versions = type == FileType::Regular || type == FileType::Directory;
  if (!has_versions) return std::unique_ptr<VersionEdit>();
  COFFER_ASSIGN(const auto place, names_.versions().place_of(parent));
  if (!place) return std::unique_ptr<VersionEdit>();
  std::string key = place->prefix + std::string(stored);
  if (type == FileType::Directory) key += '/';
  if (key.size() > kObjectKeyBytesMax || !is_utf8(key)) return std::unique_ptr<VersionEdit>();
  return std::make_unique<VersionEdit>(names_, place->bucket, place->state, key);
}

Result<void> TreeService::adopt_name(InodeId parent, std::string_view name) {
  PathLock gate(names_.gate());
  COFFER_ASSIGN(const auto bucket, names_.versions().bucket_of(parent));
  if (!bucket) return {};
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  SharedLock lock(directory->entries);
  COFFER_ASSIGN(const FoundName found, names_.find(*directory, name, Namespace::Held::Yes));
  if (!found.entry) return {};
  if (found.is_directory()) {
    names_.versions().remember_name(found.entry->inode, found.asked.stored);
    return {};
  }
  if (found.entry->type != FileType::Regular) return {};
  COFFER_ASSIGN(const InodeRef inode, parts().inodes->get(found.entry->inode));
  {
    SharedLock known(inode->mutex);
    if (inode->record.version || inode->record.attributes.nlink != 1) return {};
  }
  COFFER_ASSIGN(const auto place, names_.versions().place_of(parent));
  if (!place) return {};
  return adopt_files(names_, *place, {{inode, found.asked.stored}});
}

Result<void> TreeService::adopt_listed(InodeId parent, const std::vector<std::string>& listed) {
  PathLock gate(names_.gate());
  COFFER_ASSIGN(const auto place, names_.versions().place_of(parent));
  if (!place) return {};
  COFFER_ASSIGN(const InodeRef directory, names_.directory(parent));
  SharedLock lock(directory->entries);
  std::vector<std::pair<InodeRef, std::string>> files;
  for (const std::string& name : listed) {
    COFFER_ASSIGN(const FoundName found, names_.find(*directory, name, Namespace::Held::Yes));
    if (!found.entry || found.entry->type != FileType::Regular) continue;
    COFFER_ASSIGN(const InodeRef inode, parts().inodes->get(found.entry->inode));
    {
      SharedLock known(inode->mutex);
      if (inode->record.version || inode->record.attributes.nlink != 1) continue;
    }
    files.emplace_back(inode, found.asked.stored);
    if (files.size() < kAdoptAtOnce) continue;
    COFFER_TRY(adopt_files(names_, *place, files));
    files.clear();
  }
  return files.empty() ? Result<void>() : adopt_files(names_, *place, files);
}

Result<bool> TreeService::is_versioned(InodeId directory) {
  COFFER_ASSIGN(const auto bucket, names_.versions().bucket_of(directory));
  return bucket.has_value();
}

Result<void> TreeService::check_versions_stay(const RenameRequest& request, const FoundName& source,
                                              const FoundName& target) {
  VersionedBuckets& versions = names_.versions();
  if (!versions.any()) return {};
  for (const InodeId parent : {request.from_parent, request.to_parent}) {
    COFFER_ASSIGN(const bool versioned, is_versioned(parent));
    if (versioned) return fail(Errc::CrossDevice, "a versioned bucket");
  }
  const auto is_bucket = [&](const FoundName& name) {
    return name.entry && versions.state(name.entry->inode) != Versioning::Off;
  };
  // A bucket may be called otherwise; elsewhere it would be none.
  const bool stays = request.from_parent == kRootInode && request.to_parent == kRootInode;
  if (!stays && (is_bucket(source) || is_bucket(target)))
    return fail(Errc::CrossDevice, "a versioned bucket");
  if (request.mode == RenameRequest::Mode::Exchange || !is_bucket(target)) return {};
  COFFER_ASSIGN(const bool kept, has_versions(*parts().meta, target.entry->inode));
  if (kept) return fail(Errc::NotEmpty, "a bucket with versions");
  return {};
}

}  // namespace coffer
