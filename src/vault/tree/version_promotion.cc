#include "vault/tree/version_promotion.h"

#include "vault/tree/keys.h"

namespace coffer {

Result<void> VersionPromotion::prepare(const VersionRow& row) {
  row_ = row;
  COFFER_ASSIGN(inode_, names_.deps().inodes->get(row.inode));
  return {};
}

void VersionPromotion::to_file(TreeChange& change) const {
  change.batch().remove(keys::version(bucket_, key_, row_.sequence));
  inode_->record.attributes.ctime = change.now();
}

Result<void> VersionPromotion::to_directory(TreeChange& change, Inode& directory) const {
  Inode& version = *inode_;
  COFFER_ASSIGN(auto present, object_record(names_, version));
  ObjectRecord record = present ? std::move(*present) : ObjectRecord{};
  record.modified = version.record.attributes.mtime;
  record.content_version = version.record.content_version;
  MetaBatch& batch = change.batch();
  batch.remove(keys::version(bucket_, key_, row_.sequence));
  directory.record.flags |= InodeRecord::kMarker | InodeRecord::kHasObject;
  if (version.record.has(InodeRecord::kHasParts)) {
    COFFER_ASSIGN(const auto parts, names_.deps().meta->get(keys::object_parts(version.id)));
    if (parts) {
      directory.record.flags |= InodeRecord::kHasParts;
      batch.put(keys::object_parts(directory.id), *parts);
    }
  }
  directory.record.set_version(VersionTag{row_.sequence, row_.is_null, {}});
  directory.record.attributes.ctime = change.now();
  if (version.record.attributes.size > 0) {
    record.body = version.id;
    batch.remove(keys::object(version.id));
    batch.remove(keys::object_parts(version.id));
    version.record.set_version(std::nullopt);
    version.record.flags &=
        static_cast<std::uint16_t>(~(InodeRecord::kHasObject | InodeRecord::kHasParts));
    version.record.flags |= InodeRecord::kHidden;
  } else {
    COFFER_TRY(change.drop_link(version));
  }
  batch.put(keys::object(directory.id), encode_object(record));
  return {};
}

}  // namespace coffer
