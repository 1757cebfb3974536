// ObjectService: buckets are the top-level directories whose names are bucket names.

#include "vault/tree/directory_body.h"
#include "vault/tree/keys.h"
#include "vault/tree/new_inode.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/version_rows.h"

namespace coffer {
namespace {

// As a directory that a server with the usual umask makes.
constexpr std::uint16_t kBucketPermissions = 0777;
constexpr std::uint16_t kUmask = 022;

}  // namespace

Result<void> ObjectService::create_bucket(std::string_view bucket, Durability durability,
                                          const BucketSettings& settings) {
  if (!may_be_bucket(bucket)) return fail(Errc::InvalidArgument, "not a bucket name");
  COFFER_ASSIGN(const InodeRef root, names_.directory(kRootInode));
  Aftermath after;
  {
    ExclusiveLock lock(root->entries);
    const std::string name(bucket);
    COFFER_ASSIGN(NameSlots slots, names_.slots(*root, name, Namespace::Held::Yes));
    if (slots.directory || slots.file) return fail(Errc::Exists, "the bucket exists");
    InodeRecord record;
    record.attributes.type = FileType::Directory;
    record.attributes.permissions = kBucketPermissions;
    record.attributes.nlink = 2;
    record.flags = InodeRecord::kMarker | InodeRecord::kBucketMade;
    if (!settings.empty()) record.flags |= InodeRecord::kHasSettings;
    record.parent = kRootInode;
    {
      SharedLock owner(root->mutex);
      record.attributes.uid = root->record.attributes.uid;
      record.attributes.gid = root->record.attributes.gid;
    }
    COFFER_ASSIGN(const std::uint64_t cookie, deps().inodes->next_cookie());
    COFFER_ASSIGN(const InodeRef directory, deps().inodes->make(std::move(record)));
    // Before anybody can walk into it.
    if (const auto state = settings.find(kVersioningSetting); state != settings.end())
      names_.versions().set(directory->id, versioning_of(state->second).value_or(Versioning::Off));
    TreeChange change(names_);
    auto made = [&]() -> Result<void> {
      COFFER_TRY(change.lock({root, directory}));
      COFFER_ASSIGN(const auto acl, default_acl(*deps().meta, *root));
      inherit(change.batch(), acl, *root, *directory, kUmask);
      if (!settings.empty())
        change.batch().put(keys::bucket_settings(directory->id), encode_settings(settings));
      const NameSlots before = slots;
      COFFER_TRY(change.set_entry(*root, name, slots, true,
                                  Dentry{directory->id, FileType::Directory, cookie}));
      COFFER_TRY(change.commit(after));
      describe(after.changes, Door::Gateway, kRootInode, name, before, slots, {});
      return {};
    }();
    if (!made) {
      directory->reclaimed = true;  // nobody else ever saw it
      names_.versions().set(directory->id, Versioning::Off);
      return made;
    }
  }
  finish(names_, after);
  return reach(names_, durability);
}

Result<void> ObjectService::remove_bucket(std::string_view bucket, Durability durability) {
  COFFER_ASSIGN(const InodeRef root, names_.directory(kRootInode));
  Aftermath after;
  {
    ExclusiveLock lock(root->entries);
    const std::string name(bucket);
    if (!may_be_bucket(bucket)) return fail(Errc::NotFound, "no such bucket");
    COFFER_ASSIGN(NameSlots slots, names_.slots(*root, name, Namespace::Held::Yes));
    if (!slots.directory) return fail(Errc::NotFound, "no such bucket");
    COFFER_ASSIGN(const InodeRef directory, deps().inodes->get(slots.directory->inode));
    ExclusiveLock inner(directory->entries);
    COFFER_ASSIGN(const InodeRef body, body_of(names_, directory));
    TreeChange change(names_);
    COFFER_TRY(change.lock({root, directory, body}));
    COFFER_ASSIGN(const bool versions, has_versions(*deps().meta, directory->id));
    if (directory->record.attributes.size > 0 || versions)
      return fail(Errc::NotEmpty, "the bucket is not empty");
    const NameSlots before = slots;
    COFFER_TRY(change.set_entry(*root, name, slots, true, std::nullopt));
    COFFER_TRY(change.drop_link(*directory));
    if (body) COFFER_TRY(change.drop_link(*body));
    COFFER_TRY(change.commit(after));
    describe(after.changes, Door::Gateway, kRootInode, name, before, slots, {});
    after.buckets_gone.push_back(directory->id);
  }
  finish(names_, after);
  return reach(names_, durability);
}

Result<BucketInfo> ObjectService::bucket(std::string_view bucket) {
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  SharedLock lock(directory->mutex);
  COFFER_ASSIGN(SettingsRef settings, settings_of(*directory));
  return BucketInfo{std::string(bucket), directory->record.attributes.btime, std::move(settings),
                    directory->id};
}

Result<std::vector<BucketInfo>> ObjectService::buckets() {
  std::vector<BucketInfo> found;
  const std::string prefix = keys::dentry_prefix(kRootInode);
  auto rows = deps().meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    std::string_view name = keys::stored_name_of(rows->key());
    if (!name.ends_with('/')) continue;
    name.remove_suffix(1);
    if (!may_be_bucket(name)) continue;
    COFFER_ASSIGN(const Dentry dentry, decode_dentry(rows->value()));
    auto directory = names_.directory(dentry.inode);
    if (!directory && directory.error().code == Errc::NotFound) continue;  // removed since the look
    if (!directory) return fail(std::move(directory).error());
    SharedLock lock((*directory)->mutex);
    COFFER_ASSIGN(SettingsRef settings, settings_of(**directory));
    found.push_back({std::string(name), (*directory)->record.attributes.btime, std::move(settings),
                     (*directory)->id});
  }
  COFFER_TRY(rows->status());
  return found;
}

}  // namespace coffer
