#include "vault/tree/object_placement.h"

#include "vault/tree/directory_body.h"
#include "vault/tree/keys.h"
#include "vault/tree/missing_directories.h"
#include "vault/tree/new_inode.h"
#include "vault/tree/version_edit.h"
#include "vault/tree/version_lock.h"

namespace coffer {
namespace {

constexpr int kTurnsMax = 1000;
// What a server with the usual umask would ask for: 0644, unless a default ACL says otherwise.
constexpr std::uint16_t kFilePermissions = 0666;
constexpr std::uint16_t kUmask = 022;

/// One attempt, with the deepest existing directory locked.
class Attempt {
 public:
  Attempt(Namespace& names, const Placement& placement) : names_(names), placement_(placement) {}

  /// Nothing: the path changed under the look, try again. @pre the gate is held
  Result<std::optional<ObjectInfo>> run(Aftermath& after) {
    const ObjectKey& key = placement_.parsed;
    COFFER_ASSIGN(place_, walk(names_, placement_.bucket, key));
    // Who was let into a bucket is not let into another one that took its name while the bytes came.
    const InodeId bucket = place_.chain.front()->id;
    if (bucket != placement_.bucket_id ||
        bucket != placement_.conditions.if_bucket.value_or(bucket))
      return fail(Errc::NotFound, "no such bucket");
    Inode& parent = *place_.parent();
    ExclusiveLock lock(parent.entries);
    {
      SharedLock alive(parent.mutex);
      if (parent.reclaimed || parent.record.attributes.nlink == 0)
        return std::optional<ObjectInfo>{};
    }
    first_name_ = place_.complete(key) ? key.name : key.directories[place_.reached()];
    COFFER_ASSIGN(first_slots_, names_.slots(parent, first_name_, Namespace::Held::Yes));
    if (!place_.complete(key)) {
      if (first_slots_.directory) return std::optional<ObjectInfo>{};
      if (first_slots_.file && first_slots_.file->type == FileType::Symlink)
        return fail(Errc::NotDirectory);
    }
    COFFER_TRY(look_at_present());
    auto placed = change(after);
    if (!placed) {
      for (const InodeRef& made : made_) made->reclaimed = true;  // nobody else ever saw them
      if (edit_) edit_->abandon();
      return fail(std::move(placed).error());
    }
    return std::optional<ObjectInfo>(*std::move(placed));
  }

 private:
  Result<void> look_at_present() {
    COFFER_TRY(find_present());
    COFFER_TRY(
        check_conditions(placement_.conditions, present_object_ ? &*present_object_ : nullptr));
    const Versioning state = names_.versions().state(placement_.bucket_id);
    if (state == Versioning::Off) return {};
    edit_.emplace(names_, placement_.bucket_id, state, placement_.key);
    return edit_->prepare(present_object_ ? present_ : InodeRef{}, old_body_);
  }

  Result<void> find_present() {
    const ObjectKey& key = placement_.parsed;
    if (!place_.complete(key)) return {};
    const NameSlots& slots = first_slots_;
    if (!key.is_directory && slots.file && slots.file->type != FileType::Regular) {
      return fail(Errc::NotDirectory);
    }
    if (key.is_directory && slots.directory) {
      COFFER_ASSIGN(present_, names_.deps().inodes->get(slots.directory->inode));
      COFFER_ASSIGN(old_body_, body_of(names_, present_));
    } else if (!key.is_directory && slots.file) {
      COFFER_ASSIGN(present_, names_.deps().inodes->get(slots.file->inode));
    }
    auto object = read_object(names_, placement_.key, key.is_directory, slots);
    if (object) {
      present_object_ = std::move(object->info);
    } else if (object.error().code != Errc::NotFound) {
      return fail(std::move(object).error());
    }
    return {};
  }

  /// The directories that are missing, down to the holder of the entry; `k/` itself is the last of them.
  Result<void> make_directories() {
    const ObjectKey& key = placement_.parsed;
    std::size_t missing = key.directories.size() - place_.reached();
    if (key.is_directory && !present_) ++missing;
    COFFER_ASSIGN(made_, new_directories(names_, *place_.parent(), missing));
    return {};
  }

  Result<ObjectInfo> change(Aftermath& after) {
    const ObjectKey& key = placement_.parsed;
    COFFER_TRY(make_directories());
    std::vector<InodeRef> concerned = made_;
    for (const InodeRef& inode : {place_.parent(), placement_.bytes, present_, old_body_}) {
      concerned.push_back(inode);
    }
    if (edit_) {
      for (const InodeRef& inode : edit_->concerned()) concerned.push_back(inode);
    }
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    if (placement_.complete) {
      COFFER_TRY(placement_.complete(change));
    }
    const NameSlots before = first_slots_;
    COFFER_TRY(enter_directories(names_, change, place_, key, made_, first_slots_));
    Inode* const holder = made_.empty() ? place_.parent().get() : made_.back().get();
    ObjectInfo info;
    if (key.is_directory) {
      COFFER_ASSIGN(info, put_directory(change, present_ ? *present_ : *made_.back()));
    } else {
      COFFER_ASSIGN(const auto acl, default_acl(*names_.deps().meta, *place_.parent()));
      inherit(change.batch(), acl, *place_.parent(), *placement_.bytes, kUmask);
      COFFER_ASSIGN(info, put_file(change, *holder));
    }
    COFFER_TRY(change.commit(after));
    if (placement_.completed) placement_.completed();
    describe(after.changes, Door::Gateway, place_.parent()->id, first_name_, before, first_slots_,
             {});
    if (present_ && present_->record.attributes.nlink > 0) {
      after.changes.push_back({Door::Gateway, Change::Kind::InodeChanged, {}, {}, present_->id});
    }
    return info;
  }

  Result<ObjectInfo> put_file(TreeChange& change, Inode& holder) {
    Inode& file = *placement_.bytes;
    Attributes& attributes = file.record.attributes;
    attributes.nlink = 1;
    attributes.uid = place_.parent()->record.attributes.uid;
    attributes.gid = place_.parent()->record.attributes.gid;
    attributes.mtime = attributes.ctime = change.now();
    file.record.flags &= static_cast<std::uint16_t>(~InodeRecord::kHidden);
    file.record.flags |= InodeRecord::kHasObject;
    if (edit_) edit_->tag_file(file, VersionEdit::Bytes::Complete);
    file.record.flags |= lock_flag(placement_.metadata);
    const ObjectRecord record{file.record.content_version, {}, {}, placement_.metadata};
    change.batch().put(keys::object(file.id), encode_object(record));
    put_parts(change, file);
    NameSlots fresh;
    NameSlots& slots = made_.empty() ? first_slots_ : fresh;
    std::uint64_t cookie = 0;
    if (slots.file) {
      cookie = slots.file->cookie;  // the name stays: a listing that is under way shows it once
    } else {
      COFFER_ASSIGN(cookie, names_.deps().inodes->next_cookie());
    }
    COFFER_TRY(change.set_entry(holder, placement_.parsed.name, slots, false,
                                Dentry{file.id, FileType::Regular, cookie}));
    if (edit_) COFFER_TRY(edit_->drop_null(change));
    if (edit_ && edit_->keeps())
      COFFER_TRY(edit_->keep_file(change, *present_));
    else if (present_)
      COFFER_TRY(change.drop_link(*present_));
    return file_info(placement_.key, file, record);
  }

  /// The row of the parts stands with the inode that has the object row.
  void put_parts(TreeChange& change, Inode& inode) {
    if (!placement_.parts.empty()) {
      inode.record.flags |= InodeRecord::kHasParts;
      change.batch().put(keys::object_parts(inode.id), encode_object_parts(placement_.parts));
    } else if (inode.record.has(InodeRecord::kHasParts)) {
      inode.record.flags &= static_cast<std::uint16_t>(~InodeRecord::kHasParts);
      change.batch().remove(keys::object_parts(inode.id));
    }
  }

  Result<ObjectInfo> put_directory(TreeChange& change, Inode& directory) {
    if (directory.record.protection().any()) return fail(Errc::Permission, "protected");
    const bool keeps = edit_ && edit_->keeps();
    if (keeps) COFFER_TRY(edit_->keep_directory(change, directory, *present_object_));
    if (edit_) {
      COFFER_TRY(edit_->drop_null(change));
      edit_->tag_directory(directory);
    }
    Inode& body = *placement_.bytes;
    ObjectRecord record{body.record.content_version, {}, change.now(), placement_.metadata};
    ObjectInfo info = file_info(placement_.key, body, record);
    if (body.record.attributes.size > 0) {
      record.body = body.id;
      body.record.attributes.nlink = 1;
    }
    if (record.metadata.etag.empty() && record.body != InodeId{}) record.metadata.etag = info.etag;
    directory.record.flags |= InodeRecord::kMarker | InodeRecord::kHasObject;
    directory.record.attributes.ctime = change.now();
    change.batch().put(keys::object(directory.id), encode_object(record));
    put_parts(change, directory);
    if (old_body_ && !keeps) COFFER_TRY(change.drop_link(*old_body_));
    info.inode = directory.id;
    info.version = version_id(directory.record.version);
    info.modified = record.modified;
    return info;
  }

  Namespace& names_;
  const Placement& placement_;
  ObjectPlace place_;
  std::string first_name_;  // the topmost name that changes, in the deepest directory that exists
  NameSlots first_slots_;
  InodeRef present_;  // what stands at the key: a file, or the directory `k`
  std::optional<ObjectInfo> present_object_;
  std::optional<VersionEdit> edit_;  // in a versioned bucket
  InodeRef old_body_;
  std::vector<InodeRef> made_;
};

}  // namespace

Result<InodeRef> make_hidden(Namespace& names, const Inode& bucket) {
  InodeRecord record;
  {
    SharedLock lock(bucket.mutex);
    record.attributes.uid = bucket.record.attributes.uid;
    record.attributes.gid = bucket.record.attributes.gid;
  }
  record.attributes.type = FileType::Regular;
  record.attributes.permissions = kFilePermissions;
  record.flags = InodeRecord::kHidden;
  COFFER_ASSIGN(InodeRef inode, names.deps().inodes->make(std::move(record)));
  ExclusiveLock lock(inode->mutex);
  names.deps().inodes->add_reader(*inode);
  return inode;
}

Result<void> check_conditions(const WriteConditions& conditions, const ObjectInfo* present) {
  if (conditions.if_none_match_any && present != nullptr)
    return fail(Errc::Conflict, "the object exists");
  if (conditions.if_none_match && present != nullptr && *conditions.if_none_match == present->etag)
    return fail(Errc::Conflict, "the object has that ETag");
  if (present == nullptr) {
    const bool any = conditions.if_match || conditions.if_size || conditions.if_modified_unix_s ||
                     conditions.if_inode;
    if (any) return fail(Errc::NotFound, "no such key");
    return {};
  }
  const bool holds = (!conditions.if_match || *conditions.if_match == "*" ||
                      *conditions.if_match == present->etag) &&
                     (!conditions.if_size || *conditions.if_size == present->size) &&
                     (!conditions.if_inode || *conditions.if_inode == present->inode) &&
                     (!conditions.if_modified_unix_s ||
                      *conditions.if_modified_unix_s == present->modified.seconds);
  if (!holds) return fail(Errc::Conflict, "another object is there");
  return {};
}

Result<void> reach(Namespace& names, Durability durability) {
  if (durability == Durability::Relaxed) return {};
  return names.sync();
}

Result<ObjectInfo> place_object(Namespace& names, const Placement& placement) {
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Aftermath after;
    auto placed = [&] {
      PathLock gate(names.gate());
      return Attempt(names, placement).run(after);
    }();
    if (!placed) return fail(std::move(placed).error());
    if (!*placed) continue;
    finish(names, after);
    return **std::move(placed);
  }
  return fail(Errc::Busy, "the directories of a key kept changing");
}

}  // namespace coffer
