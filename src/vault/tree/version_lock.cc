#include "vault/tree/version_lock.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_info.h"

namespace coffer {

std::uint16_t lock_flag(const ObjectMetadata& metadata) {
  return mentions_lock(metadata.properties) ? InodeRecord::kLocked : std::uint16_t{0};
}

bool is_locked_now(const ObjectMetadata& metadata, Governance governance) {
  return is_locked(metadata.properties, wall_now().seconds, governance);
}

Result<bool> is_locked(Namespace& names, const Inode& inode) {
  if (!inode.record.has(InodeRecord::kLocked)) return false;
  COFFER_ASSIGN(const auto record, object_record(names, inode));
  return record && is_locked_now(record->metadata, Governance::Holds);
}

Result<void> check_unlocked(Namespace& names, const Inode& inode) {
  SharedLock lock(inode.mutex);
  COFFER_ASSIGN(const bool locked, is_locked(names, inode));
  if (locked) return fail(Errc::Permission, "the version is locked");
  return {};
}

Result<Attributes> shown_attributes(Namespace& names, const Inode& inode) {
  Attributes attributes = visible_attributes(inode.record);
  COFFER_ASSIGN(const bool locked, is_locked(names, inode));
  attributes.protection.immutable = attributes.protection.immutable || locked;
  // A lock ends by itself: that is asked for each time.
  if (!inode.record.has(InodeRecord::kLocked)) inode.mutex.remember(attributes);
  return attributes;
}

Result<std::optional<DefaultRetention>> bucket_retention(Namespace& names, InodeId bucket) {
  COFFER_ASSIGN(const auto row, names.deps().meta->get(keys::bucket_settings(bucket)));
  if (!row) return std::optional<DefaultRetention>{};
  COFFER_ASSIGN(const BucketSettings settings, decode_settings(*row));
  const auto lock = settings.find(kObjectLockSetting);
  return lock == settings.end() ? std::nullopt : default_retention(lock->second);
}

}  // namespace coffer
