// ObjectService: what is kept with buckets and objects beside their bytes.

#include "vault/tree/keys.h"
#include "vault/tree/object_lookup.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_service.h"
#include "vault/tree/version_lock.h"
#include "vault/tree/version_rows.h"

namespace coffer {

Result<ObjectService::SettingsRef> ObjectService::settings_of(const Inode& directory) {
  if (!directory.record.has(InodeRecord::kHasSettings)) return no_settings_;
  if (auto known = settings_.get(directory.id)) return *std::move(known);
  COFFER_ASSIGN(const auto row, deps().meta->get(keys::bucket_settings(directory.id)));
  if (!row) return fail(Errc::Corrupt, "a bucket's settings are missing");
  COFFER_ASSIGN(BucketSettings settings, decode_settings(*row));
  const auto ref = std::make_shared<const BucketSettings>(std::move(settings));
  remember_settings(directory.id, ref);
  return ref;
}

void ObjectService::remember_settings(InodeId directory, const SettingsRef& settings) {
  std::size_t cost = 128;
  for (const auto& [name, value] : *settings) cost += 96 + name.size() + value.size();
  settings_.put(directory, settings, cost);
}

/// In one batch with the directory's row, under its mutex.
Result<void> ObjectService::change_setting(const InodeRef& directory, const std::string& name,
                                           const std::optional<std::string>& value,
                                           Aftermath& after) {
  TreeChange change(names_);
  COFFER_TRY(change.lock({directory}));
  if (directory->record.attributes.nlink == 0) return fail(Errc::NotFound, "no such bucket");
  COFFER_ASSIGN(const SettingsRef before, settings_of(*directory));
  BucketSettings settings = *before;
  if (value)
    settings[name] = *value;
  else
    settings.erase(name);
  if (settings == *before) return {};
  directory->record.flags |= InodeRecord::kHasSettings;
  change.batch().put(keys::bucket_settings(directory->id), encode_settings(settings));
  COFFER_TRY(change.commit(after));
  // Still under the directory's mutex: nobody reads the old row behind this.
  remember_settings(directory->id, std::make_shared<const BucketSettings>(std::move(settings)));
  return {};
}

Result<void> ObjectService::set_bucket_setting(std::string_view bucket, const std::string& name,
                                               const std::optional<std::string>& value,
                                               Durability durability,
                                               std::optional<InodeId> if_bucket) {
  if (value && value->size() > kBucketSettingBytesMax)
    return fail(Errc::TooLarge, "a bucket's setting is too large");
  COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
  if (if_bucket && directory->id != *if_bucket) return fail(Errc::NotFound, "no such bucket");
  Aftermath after;
  if (name == kVersioningSetting) {
    const auto state = value ? versioning_of(*value) : std::nullopt;
    if (!state) return fail(Errc::InvalidArgument, "versioning is Enabled or Suspended");
    // Nobody walks a path meanwhile: a change of names is before this one as a whole, or behind it.
    const AloneLock gate(names_.gate());
    COFFER_TRY(change_setting(directory, name, value, after));
    names_.versions().set(directory->id, *state);
    // What the kernel remembers of names below was not looked up in a versioned bucket (tree_versions.cc).
    const Change forgotten{Door::Gateway, Change::Kind::EntryReplaced, kRootInode,
                           visible_name(bucket, true, false), directory->id};
    after.changes.push_back(forgotten);
  } else {
    COFFER_TRY(change_setting(directory, name, value, after));
  }
  finish(names_, after);
  return reach(names_, durability);
}

Result<ObjectInfo> ObjectService::update(std::string_view bucket, std::string_view key,
                                         const ObjectUpdate& change, Durability durability) {
  COFFER_ASSIGN(const FoundObject found,
                find_version(names_, bucket, key, change.version, KeepBytes::No));
  if (change.if_bucket) {
    // Behind the look: an object of another bucket was found while that one had the name, and the bucket that the caller was
    // let into does not get it back.
    COFFER_ASSIGN(const InodeRef directory, bucket_directory(names_, bucket));
    if (directory->id != *change.if_bucket) return fail(Errc::NotFound, "no such bucket");
  }
  if (found.info.inode != change.inode) return fail(Errc::Conflict, "another object is there now");
  COFFER_ASSIGN(const InodeRef inode, deps().inodes->get(change.inode));
  ObjectInfo info = found.info;
  Aftermath after;
  {
    TreeChange edit(names_);
    COFFER_TRY(edit.lock({inode}));
    if (inode->record.attributes.nlink == 0) return fail(Errc::Conflict, "the object is gone");
    // A writer at the mount made another version of this inode, or its object became one.
    if (!change.version.empty() && inode->record.version &&
        version_id(inode->record.version) != change.version)
      return fail(Errc::Conflict, "another version is there now");
    const bool is_directory = inode->record.attributes.type == FileType::Directory;
    if (is_directory && !inode->record.has(InodeRecord::kMarker))
      return fail(Errc::Conflict, "the object is gone");
    COFFER_ASSIGN(auto present, object_record(names_, *inode));
    ObjectRecord record;
    if (present) {
      record = std::move(*present);
    } else if (is_directory) {
      record.modified = found.info.modified;
    } else {
      record.content_version = inode->record.content_version;
    }
    if (change.expected_properties && record.metadata.properties != *change.expected_properties)
      return fail(Errc::Conflict, "the object was changed");
    if (change.tags) record.metadata.tags = *change.tags;
    if (change.properties) record.metadata.properties = *change.properties;
    inode->record.flags |= InodeRecord::kHasObject;
    if (const std::uint16_t locks = lock_flag(record.metadata); !is_directory) {
      inode->record.flags &= static_cast<std::uint16_t>(~InodeRecord::kLocked);
      inode->record.flags |= locks;
      // A version that somebody at the mount still writes is complete once it is locked.
      if (locks != 0 && inode->record.version) inode->record.flags |= InodeRecord::kSealed;
    }
    inode->record.attributes.ctime = edit.now();
    edit.batch().put(keys::object(inode->id), encode_object(record));
    COFFER_TRY(edit.commit(after));
    info.metadata.tags = record.metadata.tags;
    info.metadata.properties = record.metadata.properties;
    after.changes.push_back({Door::Gateway, Change::Kind::InodeChanged, {}, {}, inode->id});
  }
  finish(names_, after);
  COFFER_TRY(reach(names_, durability));
  return info;
}

Result<std::vector<PartInfo>> ObjectService::object_parts(const ObjectInfo& info) {
  if (info.metadata.parts == 0) return std::vector<PartInfo>{};
  COFFER_ASSIGN(const auto row, deps().meta->get(keys::object_parts(info.inode)));
  if (!row) return std::vector<PartInfo>{};
  COFFER_ASSIGN(std::vector<PartInfo> parts, decode_object_parts(*row));
  std::uint64_t size = 0;
  for (const PartInfo& part : parts) size += part.size;
  if (size != info.size || parts.size() != info.metadata.parts) parts.clear();
  return parts;
}

}  // namespace coffer
