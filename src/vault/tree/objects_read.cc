// ObjectService: HEAD and GET.

#include "vault/tree/object_lookup.h"
#include "vault/tree/object_service.h"
#include "vault/tree/snapshot_reader.h"

namespace coffer {
Result<FoundObject> find_object(Namespace& names, std::string_view bucket, std::string_view key,
                                KeepBytes keep) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names, bucket));
  return find_object_in(names, directory->id, key, keep);
}

Result<FoundObject> find_object_in(Namespace& names, InodeId bucket, std::string_view key,
                                   KeepBytes keep) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(key));
  PathLock gate(names.gate());
  COFFER_ASSIGN(InodeRef top, names.directory(bucket));
  COFFER_ASSIGN(const ObjectPlace place, walk_from(names, std::move(top), parsed));
  if (!place.complete(parsed)) return fail(Errc::NotFound, "no such key");
  const auto look = [&](Namespace::Held held) -> Result<FoundObject> {
    COFFER_ASSIGN(const NameSlots slots, names.slots(*place.parent(), parsed.name, held));
    COFFER_ASSIGN(FoundObject found, read_object(names, key, parsed.is_directory, slots));
    if (keep == KeepBytes::Yes && found.bytes) {
      ExclusiveLock lock(found.bytes->mutex);
      if (found.bytes->reclaimed || found.bytes->record.attributes.nlink == 0)
        return fail(Errc::Stale);
      names.deps().inodes->add_reader(*found.bytes);
    }
    return found;
  };
  auto found = look(Namespace::Held::No);
  if (found || found.error().code != Errc::Stale) return found;
  // Replaced between the name and its inode: with the directory locked the two belong together.
  {
    SharedLock lock(place.parent()->entries);
    found = look(Namespace::Held::Yes);
  }
  if (!found && found.error().code == Errc::Stale) return fail(Errc::NotFound, "no such key");
  return found;
}

Result<ObjectInfo> ObjectService::head(std::string_view bucket, std::string_view key,
                                       std::string_view version) {
  COFFER_ASSIGN(FoundObject found, find_version(names_, bucket, key, version, KeepBytes::No));
  return std::move(found.info);
}

Result<std::unique_ptr<ObjectReader>> ObjectService::open_reader(std::string_view bucket,
                                                                 std::string_view key,
                                                                 std::string_view version) {
  COFFER_ASSIGN(FoundObject found, find_version(names_, bucket, key, version, KeepBytes::Yes));
  return std::unique_ptr<ObjectReader>(
      std::make_unique<SnapshotReader>(names_, std::move(found.info), std::move(found.bytes)));
}

}  // namespace coffer
