#include "vault/tree/versioned_buckets.h"

#include <algorithm>
#include <vector>

#include "coffer/vault/objects.h"
#include "vault/tree/dentry.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_path.h"
#include "vault/tree/object_record.h"

namespace coffer {

std::optional<Versioning> versioning_of(std::string_view setting) {
  if (setting == "Enabled") return Versioning::Enabled;
  if (setting == "Suspended") return Versioning::Suspended;
  return std::nullopt;
}

Result<void> VersionedBuckets::load() {
  const std::string prefix(1, keys::kBucketSettings);
  auto rows = meta_.cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    COFFER_ASSIGN(const BucketSettings settings, decode_settings(rows->value()));
    const auto found = settings.find(kVersioningSetting);
    if (found == settings.end()) continue;
    const auto state = versioning_of(found->second);
    if (!state) return fail(Errc::Corrupt, "a bucket's versioning");
    set(keys::inode_of(rows->key()), *state);
  }
  return rows->status();
}

Versioning VersionedBuckets::state(InodeId bucket) const {
  if (!any()) return Versioning::Off;
  SharedLock lock(mutex_);
  const auto found = states_.find(bucket);
  return found == states_.end() ? Versioning::Off : found->second;
}

void VersionedBuckets::set(InodeId bucket, Versioning state) {
  ExclusiveLock lock(mutex_);
  if (state == Versioning::Off)
    states_.erase(bucket);
  else
    states_[bucket] = state;
  any_.store(!states_.empty(), std::memory_order_release);
}

Result<InodeId> VersionedBuckets::parent_of(InodeId directory) {
  COFFER_ASSIGN(const InodeRef inode, inodes_.get(directory));
  SharedLock lock(inode->mutex);
  if (inode->record.parent == InodeId{}) return fail(Errc::Corrupt, "a directory without parent");
  return inode->record.parent;
}

Result<std::optional<InodeId>> VersionedBuckets::bucket_of(InodeId directory) {
  if (!any()) return std::optional<InodeId>{};
  InodeId at = directory;
  while (at != kRootInode) {
    COFFER_ASSIGN(const InodeId parent, parent_of(at));
    if (parent == kRootInode) {
      const bool versioned = state(at) != Versioning::Off;
      return versioned ? std::optional<InodeId>(at) : std::nullopt;
    }
    at = parent;
  }
  return std::optional<InodeId>{};
}

Result<std::optional<VersionedPlace>> VersionedBuckets::place_of(InodeId directory) {
  COFFER_ASSIGN(const auto bucket, bucket_of(directory));
  if (!bucket) return std::optional<VersionedPlace>{};
  VersionedPlace place{*bucket, state(*bucket), {}};
  for (InodeId at = directory; at != *bucket;) {
    COFFER_ASSIGN(const InodeId parent, parent_of(at));
    COFFER_ASSIGN(const std::string name, name_of(parent, at));
    place.prefix.insert(0, name + "/");
    at = parent;
  }
  if (place.prefix.size() >= kObjectKeyBytesMax || !is_utf8(place.prefix))
    return std::optional<VersionedPlace>{};
  return std::optional<VersionedPlace>(std::move(place));
}

void VersionedBuckets::remember_name(InodeId directory, std::string_view stored) {
  directory_names_.put(directory, std::string(stored), stored.size() + 64);
}

/// By the parent's rows where nobody remembers it: whoever comes by a path has looked it up before.
Result<std::string> VersionedBuckets::name_of(InodeId parent, InodeId directory) {
  if (auto known = directory_names_.get(directory)) return *std::move(known);
  const std::string prefix = keys::dentry_prefix(parent);
  auto rows = meta_.cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    if (!rows->key().ends_with('/')) continue;
    COFFER_ASSIGN(const Dentry dentry, decode_dentry(rows->value()));
    if (dentry.inode != directory || dentry.type != FileType::Directory) continue;
    std::string name(keys::stored_name_of(rows->key()));
    name.pop_back();
    remember_name(directory, name);
    return name;
  }
  COFFER_TRY(rows->status());
  return fail(Errc::NotFound, "a directory without a name");
}

}  // namespace coffer
