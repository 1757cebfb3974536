#include "vault/tree/version_edit.h"

#include "vault/tree/keys.h"
#include "vault/tree/version_lock.h"

namespace coffer {

Result<void> VersionEdit::prepare(const InodeRef& present, const InodeRef& body) {
  bool null_present = false;
  bool is_directory = false;
  std::optional<VersionTag> tag;
  InodeRecord like;
  if (present) {
    SharedLock lock(present->mutex);
    tag = present->record.version;
    null_present = !tag || tag->is_null;
    is_directory = present->record.attributes.type == FileType::Directory;
    like.attributes.uid = present->record.attributes.uid;
    like.attributes.gid = present->record.attributes.gid;
  }
  keeps_ = present != nullptr && !(suspended() && null_present);
  // In this order: what comes is newer than what stood there.
  if (keeps_) {
    kept_ = tag ? tag->sequence : 0;
    if (kept_ == 0) {
      COFFER_ASSIGN(kept_, names_.versions().next());
    }
  }
  COFFER_ASSIGN(next_, names_.versions().next());
  if (keeps_ && is_directory) {
    body_ = body;
    if (!body_) {
      like.attributes.type = FileType::Regular;
      like.attributes.permissions = 0644;
      like.attributes.nlink = 1;
      COFFER_ASSIGN(made_, names_.deps().inodes->make(std::move(like)));
    }
  }
  if (suspended() && !null_present) {
    COFFER_ASSIGN(old_null_, null_version(*names_.deps().meta, bucket_, key_));
    if (old_null_ && !old_null_->marker) {
      COFFER_ASSIGN(old_null_inode_, names_.deps().inodes->get(old_null_->inode));
    }
  }
  return {};
}

void VersionEdit::put_row(TreeChange& change, Inode& version, bool is_null) const {
  version.record.attributes.ctime = change.now();
  const VersionRow row{kept_, false, is_null, version.id, change.now(), {}};
  change.batch().put(keys::version(bucket_, key_, kept_), encode_version(row));
}

Result<void> VersionEdit::keep_file(TreeChange& change, Inode& file) {
  InodeRecord& record = file.record;
  if (record.protection().any()) return fail(Errc::Permission, "protected");
  const bool is_null = !record.version || record.version->is_null;
  if (record.version) {
    record.version->sequence = kept_;
  } else if (record.attributes.nlink == 1) {
    // With more names it stays what those call it.
    record.set_version(VersionTag{kept_, true, key_});
    record.flags |= InodeRecord::kSealed;
    record.parent = bucket_;
  }
  put_row(change, file, is_null);
  return {};
}

Result<void> VersionEdit::keep_directory(TreeChange& change, Inode& directory,
                                         const ObjectInfo& shown) {
  if (directory.record.protection().any()) return fail(Errc::Permission, "protected");
  COFFER_ASSIGN(auto present, object_record(names_, directory));
  const bool is_null = !directory.record.version || directory.record.version->is_null;
  Inode& version = body_ ? *body_ : *made_;
  ObjectRecord record = present ? std::move(*present) : ObjectRecord{};
  record.content_version = version.record.content_version;
  record.body = {};
  record.modified = {};
  record.metadata.etag = shown.etag;
  change.batch().put(keys::object(version.id), encode_object(record));
  version.record.flags &= static_cast<std::uint16_t>(~InodeRecord::kHidden);
  version.record.flags |= InodeRecord::kHasObject | InodeRecord::kSealed;
  version.record.flags |= lock_flag(record.metadata);
  if (directory.record.has(InodeRecord::kHasParts)) {
    COFFER_ASSIGN(const auto parts, names_.deps().meta->get(keys::object_parts(directory.id)));
    if (parts) {
      version.record.flags |= InodeRecord::kHasParts;
      change.batch().put(keys::object_parts(version.id), *parts);
    }
  }
  version.record.attributes.mtime = shown.modified;
  version.record.set_version(VersionTag{kept_, is_null, key_});
  version.record.parent = bucket_;
  put_row(change, version, is_null);
  return {};
}

Result<void> VersionEdit::drop_null(TreeChange& change) {
  if (!old_null_) return {};
  change.batch().remove(keys::version(bucket_, key_, old_null_->sequence));
  if (old_null_inode_) COFFER_TRY(change.drop_link(*old_null_inode_));
  return {};
}

void VersionEdit::tag_file(Inode& file, Bytes bytes) const {
  file.record.set_version(VersionTag{next_, suspended(), key_});
  file.record.parent = bucket_;
  if (bytes == Bytes::Complete)
    file.record.flags |= InodeRecord::kSealed;
  else
    file.record.flags &= static_cast<std::uint16_t>(~InodeRecord::kSealed);
}

void VersionEdit::tag_directory(Inode& directory) const {
  directory.record.set_version(VersionTag{next_, suspended(), {}});
}

void VersionEdit::put_marker(TreeChange& change,
                             const std::map<std::string, std::string>& properties) const {
  const VersionRow row{next_, true, suspended(), {}, change.now(), properties};
  change.batch().put(keys::version(bucket_, key_, next_), encode_version(row));
}

}  // namespace coffer
