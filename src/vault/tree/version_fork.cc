#include "vault/tree/version_fork.h"

#include "vault/tree/keys.h"
#include "vault/tree/object_path.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/object_writer.h"
#include "vault/tree/version_edit.h"
#include "vault/tree/version_lock.h"

namespace coffer {
namespace {

constexpr int kTurnsMax = 1000;

enum class Outcome : std::uint8_t { Done, LookAgain, NeedsCopy };

/// What a version was when it was copied. Nobody held it still since.
struct VersionCopy {
  VersionTag tag;
  std::uint64_t content_version = 0;
  InodeRef inode;
};

/// One attempt to open one sealed version for a writer.
class Fork {
 public:
  Fork(Namespace& names, const InodeRef& inode, const std::optional<VersionCopy>& copy)
      : names_(names), inode_(inode), copy_(copy) {}
  ~Fork() {
    if (locked_) locked_->entries.unlock();
  }
  Fork(const Fork&) = delete;
  Fork& operator=(const Fork&) = delete;

  /// @pre the gate is held
  Result<Outcome> run(Aftermath& after) {
    {
      SharedLock lock(inode_->mutex);
      const InodeRecord& record = inode_->record;
      if (inode_->reclaimed) return fail(Errc::Stale);
      if (!record.has(InodeRecord::kSealed) || !record.version) return unseal();
      COFFER_ASSIGN(const bool locked, is_locked(names_, *inode_));
      if (locked) return fail(Errc::Permission, "the version is locked");
      tag_ = *record.version;
      content_version_ = record.content_version;
      bucket_ = record.parent;
    }
    const Versioning state = names_.versions().state(bucket_);
    auto top = names_.directory(bucket_);
    if (!top && top.error().code != Errc::NotFound) return fail(std::move(top).error());
    if (!top || state == Versioning::Off) return unseal();
    COFFER_ASSIGN(const bool still, lock_key(*std::move(top)));
    if (!still) return Outcome::LookAgain;
    if (current_) {
      if (state == Versioning::Suspended && tag_.is_null) return unseal();
      return fork(state, after);
    }
    COFFER_ASSIGN(const auto value,
                  names_.deps().meta->get(keys::version(bucket_, tag_.key, tag_.sequence)));
    if (!value) return unseal();
    COFFER_ASSIGN(row_, decode_version(tag_.sequence, *value));
    return row_.inode == inode_->id ? fork(state, after) : unseal();
  }

 private:
  /// Nobody but its writers has what it was.
  Result<Outcome> unseal() {
    ExclusiveLock lock(inode_->mutex);
    inode_->record.flags &= static_cast<std::uint16_t>(~InodeRecord::kSealed);
    names_.deps().inodes->mark_dirty(*inode_);
    return Outcome::Done;
  }

  Result<bool> lock_key(InodeRef top) NO_THREAD_SAFETY_ANALYSIS {
    COFFER_ASSIGN(const ObjectKey key, parse_object_key(tag_.key));
    COFFER_ASSIGN(const ObjectPlace place, walk_from(names_, std::move(top), key));
    locked_ = place.parent();
    locked_->entries.lock();
    {
      SharedLock alive(locked_->mutex);
      if (locked_->reclaimed || locked_->record.attributes.nlink == 0) return false;
    }
    const bool complete = place.complete(key);
    const std::string& name = complete ? key.name : key.directories[place.reached()];
    COFFER_ASSIGN(const NameSlots slots, names_.slots(*locked_, name, Namespace::Held::Yes));
    if (!complete) return !slots.directory;
    current_ = slots.file && slots.file->inode == inode_->id;
    return true;
  }

  Result<Outcome> fork(Versioning state, Aftermath& after) {
    // Complete and with these entries held it stays so: only who opens it for a change makes it changeable.
    const bool copied = copy_ && copy_->tag.sequence == tag_.sequence &&
                        copy_->tag.key == tag_.key && copy_->content_version == content_version_;
    if (!copied) return Outcome::NeedsCopy;
    const InodeRef& copy = copy_->inode;
    VersionEdit edit(names_, bucket_, state, tag_.key);
    if (current_) COFFER_TRY(edit.prepare(inode_, nullptr));
    std::vector<InodeRef> concerned = edit.concerned();
    concerned.push_back(inode_);
    concerned.push_back(copy);
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    COFFER_TRY(take_over(change, *copy));
    if (current_) {
      COFFER_TRY(edit.keep_file(change, *copy));
      COFFER_TRY(edit.drop_null(change));
      edit.tag_file(*inode_, VersionEdit::Bytes::BeingWritten);
      COFFER_TRY(leave_lock(change));
    } else {
      VersionRow row = row_;
      row.inode = copy->id;
      change.batch().put(keys::version(bucket_, tag_.key, tag_.sequence), encode_version(row));
      inode_->record.set_version(std::nullopt);
      COFFER_TRY(change.drop_link(*inode_));
    }
    COFFER_TRY(change.commit(after));
    return Outcome::Done;
  }

  /// Of a lock that is over: the next version has none of it.
  Result<void> leave_lock(TreeChange& change) {
    if (!inode_->record.has(InodeRecord::kLocked)) return {};
    COFFER_ASSIGN(auto object, object_record(names_, *inode_));
    inode_->record.flags &= static_cast<std::uint16_t>(~InodeRecord::kLocked);
    if (!object) return {};
    object->metadata.properties.erase(kRetentionProperty);
    object->metadata.properties.erase(kLegalHoldProperty);
    change.batch().put(keys::object(inode_->id), encode_object(*object));
    return {};
  }

  /// The copy is the version from now on: with its times, and what S3 keeps with it.
  Result<void> take_over(TreeChange& change, Inode& copy) {
    InodeRecord& record = copy.record;
    const Attributes& from = inode_->record.attributes;
    COFFER_ASSIGN(auto present, object_record(names_, *inode_));
    const ObjectInfo shown = file_info(tag_.key, *inode_, present);
    ObjectRecord object = present ? std::move(*present) : ObjectRecord{};
    object.content_version = record.content_version;
    object.metadata.etag = shown.etag;
    object.metadata.checksums = shown.metadata.checksums;
    object.metadata.parts = shown.metadata.parts;
    record.attributes.nlink = 1;
    record.attributes.permissions = from.permissions;
    record.attributes.uid = from.uid;
    record.attributes.gid = from.gid;
    record.attributes.atime = from.atime;
    record.attributes.mtime = from.mtime;
    record.attributes.btime = from.btime;
    record.attributes.ctime = change.now();
    record.flags &= static_cast<std::uint16_t>(~InodeRecord::kHidden);
    record.flags |= InodeRecord::kHasObject | InodeRecord::kSealed;
    record.flags |= lock_flag(object.metadata);
    record.set_version(tag_);
    record.parent = bucket_;
    change.batch().put(keys::object(copy.id), encode_object(object));
    if (object.metadata.parts == 0 || !inode_->record.has(InodeRecord::kHasParts)) return {};
    COFFER_ASSIGN(const auto parts, names_.deps().meta->get(keys::object_parts(inode_->id)));
    if (!parts) return {};
    record.flags |= InodeRecord::kHasParts;
    change.batch().put(keys::object_parts(copy.id), *parts);
    return {};
  }

  Namespace& names_;
  const InodeRef& inode_;
  const std::optional<VersionCopy>& copy_;
  VersionTag tag_;
  std::uint64_t content_version_ = 0;
  InodeId bucket_;
  InodeRef locked_;
  bool current_ = false;
  VersionRow row_;  // of one that is not current
};

Result<void> copy_version(Namespace& names, const InodeRef& inode,
                          std::optional<HiddenBytes>& bytes, std::optional<VersionCopy>& copy) {
  VersionCopy made;
  InodeId bucket;
  std::uint64_t size = 0;
  {
    SharedLock lock(inode->mutex);
    if (!inode->record.has(InodeRecord::kSealed) || !inode->record.version) return {};
    made.tag = *inode->record.version;
    made.content_version = inode->record.content_version;
    bucket = inode->record.parent;
    size = inode->record.attributes.size;
  }
  COFFER_ASSIGN(const InodeRef directory, names.directory(bucket));
  COFFER_ASSIGN(made.inode, make_hidden(names, *directory));
  bytes.emplace(names, made.inode);
  COFFER_TRY(bytes->append_copy(inode, 0, size));
  copy = std::move(made);
  return {};
}

}  // namespace

Result<void> open_for_change(Namespace& names, const InodeRef& inode) {
  std::optional<HiddenBytes> bytes;  // of the copy: it goes with this, unless it became the version
  std::optional<VersionCopy> copy;
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Aftermath after;
    auto done = [&] {
      PathLock gate(names.gate());
      return Fork(names, inode, copy).run(after);
    }();
    if (!done) return fail(std::move(done).error());
    finish(names, after);
    if (*done == Outcome::Done) return {};
    // With no lock held: it may have to wait for room.
    if (*done == Outcome::NeedsCopy) COFFER_TRY(copy_version(names, inode, bytes, copy));
  }
  return fail(Errc::Busy, "the directories of a key kept changing");
}

Result<void> seal_version(Namespace& names, const InodeRef& inode) {
  InodeId bucket;
  {
    SharedLock lock(inode->mutex);
    const InodeRecord& record = inode->record;
    if (!record.has(InodeRecord::kVersion) || record.has(InodeRecord::kSealed)) return {};
    bucket = record.parent;
  }
  COFFER_ASSIGN(const auto retention, bucket_retention(names, bucket));
  if (!retention) {
    ExclusiveLock lock(inode->mutex);
    if (inode->reclaimed || !inode->record.has(InodeRecord::kVersion)) return {};
    inode->record.flags |= InodeRecord::kSealed;
    names.deps().inodes->mark_dirty(*inode);
    return {};
  }
  Aftermath after;
  TreeChange change(names);
  COFFER_TRY(change.lock({inode}));
  InodeRecord& record = inode->record;
  if (!record.has(InodeRecord::kVersion)) return {};
  COFFER_ASSIGN(auto present, object_record(names, *inode));
  ObjectRecord object = present ? std::move(*present) : ObjectRecord{};
  if (!present) object.content_version = record.content_version;
  object.metadata.properties[kRetentionProperty] =
      encode_retention(retention->from(change.now().seconds));
  record.flags |= InodeRecord::kSealed | InodeRecord::kLocked | InodeRecord::kHasObject;
  change.batch().put(keys::object(inode->id), encode_object(object));
  return change.commit(after);
}

Result<void> adopt_files(Namespace& names, const VersionedPlace& place,
                         const std::vector<std::pair<InodeRef, std::string>>& files) {
  if (names.deps().meta->failed()) return {};
  std::vector<InodeRef> concerned;
  for (const auto& [inode, stored] : files) concerned.push_back(inode);
  Aftermath after;
  TreeChange change(names);
  COFFER_TRY(change.lock(std::move(concerned)));
  bool any = false;
  for (const auto& [inode, stored] : files) {
    InodeRecord& record = inode->record;
    std::string key = place.prefix + stored;
    const bool wanted = record.attributes.type == FileType::Regular && !record.version &&
                        record.attributes.nlink == 1 && key.size() <= kObjectKeyBytesMax &&
                        is_utf8(key);
    if (!wanted) continue;
    record.set_version(VersionTag{0, true, std::move(key)});
    record.parent = place.bucket;
    record.flags |= InodeRecord::kSealed;
    any = true;
  }
  if (!any) return {};
  return change.commit(after);
}

}  // namespace coffer
