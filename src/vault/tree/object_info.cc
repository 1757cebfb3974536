#include "vault/tree/object_info.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_path.h"
#include "vault/tree/version_rows.h"

namespace coffer {
namespace {

/// An inode that a name or row just named: not to find it means that the name is old.
Result<InodeRef> named(Namespace& names, InodeId id) {
  auto inode = names.deps().inodes->get(id);
  if (!inode && inode.error().code == Errc::NotFound) return fail(Errc::Stale);
  return inode;
}

constexpr std::string_view kMd5OfNothing = "d41d8cd98f00b204e9800998ecf8427e";

void fill_defaults(ObjectInfo& info) {
  if (info.metadata.content_type.empty()) info.metadata.content_type = content_type_of(info.key);
  info.metadata.etag = info.etag;
}

Result<FoundObject> read_directory_object(Namespace& names, std::string_view key, InodeId id) {
  COFFER_ASSIGN(const InodeRef directory, named(names, id));
  FoundObject found;
  InodeId body;
  {
    SharedLock lock(directory->mutex);
    if (directory->reclaimed || directory->record.attributes.nlink == 0) return fail(Errc::Stale);
    if (!directory->record.has(InodeRecord::kMarker)) return fail(Errc::NotFound);
    COFFER_ASSIGN(const auto record, object_record(names, *directory));
    found.info.key = key;
    found.info.version = version_id(directory->record.version);
    found.info.inode = id;
    found.info.modified = directory->record.attributes.btime;
    found.info.etag = kMd5OfNothing;
    if (record) {
      body = record->body;
      found.info.metadata = record->metadata;
      found.info.modified = record->modified;
      if (!record->metadata.etag.empty()) found.info.etag = record->metadata.etag;
    }
  }
  if (body != InodeId{}) {
    COFFER_ASSIGN(found.bytes, named(names, body));
    SharedLock lock(found.bytes->mutex);
    const InodeRecord& record = found.bytes->record;
    if (found.bytes->reclaimed || record.attributes.nlink == 0) return fail(Errc::Stale);
    found.info.size = record.attributes.size;
    found.content_version = record.content_version;
    if (found.info.metadata.etag.empty()) {
      found.info.etag = derived_etag(body, record.content_version, record.attributes.size,
                                     record.attributes.mtime);
    }
  }
  fill_defaults(found.info);
  return found;
}

}  // namespace

Result<std::optional<ObjectRecord>> object_record(Namespace& names, const Inode& inode) {
  if (!inode.record.has(InodeRecord::kHasObject)) return std::optional<ObjectRecord>{};
  COFFER_ASSIGN(const auto row, names.deps().meta->get(keys::object(inode.id)));
  if (!row) return std::optional<ObjectRecord>{};
  COFFER_ASSIGN(ObjectRecord record, decode_object(*row));
  return std::optional<ObjectRecord>(std::move(record));
}

ObjectInfo file_info(std::string_view key, const Inode& inode,
                     const std::optional<ObjectRecord>& record) {
  const Attributes& attributes = inode.record.attributes;
  ObjectInfo info;
  info.key = key;
  info.size = attributes.size;
  info.modified = attributes.mtime;
  info.inode = inode.id;
  info.version = version_id(inode.record.version);
  if (record) {
    info.metadata = record->metadata;
    if (record->content_version == inode.record.content_version) {
      info.etag = record->metadata.etag;
    } else {
      // Written at the mount since: what was computed over the old bytes holds no more.
      info.metadata.checksums.clear();
      info.metadata.parts = 0;
    }
  }
  if (info.etag.empty()) {
    info.etag =
        derived_etag(inode.id, inode.record.content_version, attributes.size, attributes.mtime);
  }
  fill_defaults(info);
  return info;
}

Result<FoundObject> read_object(Namespace& names, std::string_view key, bool is_directory,
                                const NameSlots& slots) {
  if (is_directory) {
    if (!slots.directory) return fail(Errc::NotFound);
    return read_directory_object(names, key, slots.directory->inode);
  }
  if (!slots.file) return fail(Errc::NotFound);
  if (slots.file->type == FileType::Symlink) return fail(Errc::NotDirectory);
  if (slots.file->type != FileType::Regular) return fail(Errc::NotFound);
  FoundObject found;
  COFFER_ASSIGN(found.bytes, named(names, slots.file->inode));
  SharedLock lock(found.bytes->mutex);
  if (found.bytes->reclaimed || found.bytes->record.attributes.nlink == 0) return fail(Errc::Stale);
  COFFER_ASSIGN(const auto record, object_record(names, *found.bytes));
  found.info = file_info(key, *found.bytes, record);
  found.content_version = found.bytes->record.content_version;
  return found;
}

}  // namespace coffer
