#include "vault/tree/version_remove.h"

#include "vault/tree/keys.h"
#include "vault/tree/locked_chain.h"
#include "vault/tree/missing_directories.h"
#include "vault/tree/object_placement.h"
#include "vault/tree/version_edit.h"
#include "vault/tree/version_lock.h"
#include "vault/tree/version_promotion.h"

namespace coffer {
namespace {

class VersionRemoval {
 public:
  VersionRemoval(Namespace& names, const InodeRef& bucket, Versioning state,
                 const RemoveRequest& request, const ObjectKey& parsed)
      : names_(names),
        bucket_(bucket),
        state_(state),
        request_(request),
        parsed_(parsed),
        chain_(names, parsed) {}

  Result<std::optional<Removed>> run(Aftermath& after) {
    COFFER_TRY(chain_.walk(bucket_));
    first_ = chain_.first_that_stays();
    COFFER_ASSIGN(const bool same, chain_.lock(first_));
    if (!same) return std::optional<Removed>{};
    COFFER_TRY(look_at_present());
    if (request_.version.empty()) return mark(after);
    if (present_ && present_->info.version == request_.version) return remove_current(after);
    return remove_row(after);
  }

 private:
  MetaStore& meta() { return *names_.deps().meta; }

  Result<void> look_at_present() {
    if (!chain_.complete()) return {};
    auto object = read_object(names_, request_.key, parsed_.is_directory, chain_.slots());
    // A symlink or device is no object, and no version of one.
    if (!object && object.error().code != Errc::NotFound &&
        object.error().code != Errc::NotDirectory)
      return fail(std::move(object).error());
    if (!object) return {};
    present_ = std::move(*object);
    present_inode_ = parsed_.is_directory ? chain_.last() : present_->bytes;
    return {};
  }

  /// The entry of the present object goes, with the directories that are there only for it.
  Result<void> take_entry(TreeChange& change, Aftermath& after) {
    if (parsed_.is_directory)
      COFFER_TRY(take_marker(change, *present_inode_));
    else
      COFFER_TRY(chain_.set_file(change, std::nullopt, after));
    return chain_.prune(change, first_, after);
  }

  void tell_of(const InodeRef& inode, Aftermath& after) const {
    if (inode && inode->record.attributes.nlink > 0)
      after.changes.push_back({Door::Gateway, Change::Kind::InodeChanged, {}, {}, inode->id});
  }

  /// A marker is there for them, with no ETag and no bytes, though not for those of a PUT.
  Result<void> check_object_conditions() {
    if (present_) return check_conditions(request_.conditions, &present_->info);
    COFFER_ASSIGN(const auto newest, newest_version(meta(), bucket_->id, request_.key));
    if (!newest || !newest->marker) return check_conditions(request_.conditions, nullptr);
    ObjectInfo marker;
    marker.modified = newest->since;
    return check_conditions(request_.conditions, &marker);
  }

  /// A delete marker, before which the object goes or becomes a version.
  Result<std::optional<Removed>> mark(Aftermath& after) {
    COFFER_TRY(check_object_conditions());
    VersionEdit edit(names_, bucket_->id, state_, request_.key);
    const InodeRef body = parsed_.is_directory && present_ ? present_->bytes : InodeRef{};
    COFFER_TRY(edit.prepare(present_inode_, body));
    auto marked = mark_with(edit, after);
    if (!marked) edit.abandon();
    return marked;
  }

  Result<std::optional<Removed>> mark_with(VersionEdit& edit, Aftermath& after) {
    std::vector<InodeRef> concerned = edit.concerned();
    if (present_) {
      for (InodeRef& directory : chain_.from(first_)) concerned.push_back(std::move(directory));
      concerned.push_back(present_->bytes);
    }
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    if (present_) COFFER_TRY(keep_or_drop(edit, change));
    if (present_) COFFER_TRY(take_entry(change, after));
    COFFER_TRY(edit.drop_null(change));
    edit.put_marker(change, request_.marker_properties);
    COFFER_TRY(change.commit(after));
    if (present_) tell_of(present_->bytes, after);
    return std::optional<Removed>(Removed{present_.has_value(), true, edit.new_id()});
  }

  Result<void> keep_or_drop(VersionEdit& edit, TreeChange& change) {
    if (!edit.keeps()) {
      if (present_->bytes) COFFER_TRY(change.drop_link(*present_->bytes));
      return {};
    }
    if (parsed_.is_directory) return edit.keep_directory(change, *present_inode_, present_->info);
    return edit.keep_file(change, *present_inode_);
  }

  /// The current version goes for good: the next older one takes its place, unless that is a marker.
  Result<std::optional<Removed>> remove_current(Aftermath& after) {
    COFFER_TRY(check_conditions(request_.conditions, &present_->info));
    COFFER_TRY(check_lock(present_->info.metadata));
    COFFER_ASSIGN(auto next, newest_version(meta(), bucket_->id, request_.key));
    if (next && next->marker) next.reset();
    VersionPromotion promotion(names_, bucket_->id, request_.key);
    if (next) COFFER_TRY(promotion.prepare(*next));
    std::vector<InodeRef> concerned = chain_.from(next ? chain_.place().chain.size() - 1 : first_);
    concerned.push_back(present_->bytes);
    concerned.push_back(promotion.inode());
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    if (parsed_.is_directory && next) COFFER_TRY(take_marker(change, *present_inode_));
    if (!next) COFFER_TRY(take_entry(change, after));
    if (present_->bytes) COFFER_TRY(change.drop_link(*present_->bytes));
    if (next && parsed_.is_directory) COFFER_TRY(promotion.to_directory(change, *present_inode_));
    if (next && !parsed_.is_directory) {
      const Dentry entry{promotion.inode()->id, FileType::Regular, chain_.slots().file->cookie};
      COFFER_TRY(chain_.set_file(change, entry, after));
      promotion.to_file(change);
    }
    COFFER_TRY(change.commit(after));
    tell_of(present_->bytes, after);
    return std::optional<Removed>(Removed{true, false, std::string(request_.version)});
  }

  /// A version that is not current, or a marker.
  Result<std::optional<Removed>> remove_row(Aftermath& after) {
    COFFER_ASSIGN(const auto row,
                  version_of_id(meta(), bucket_->id, request_.key, request_.version));
    InodeRef inode;
    if (row && !row->marker) {
      COFFER_ASSIGN(inode, names_.deps().inodes->get(row->inode));
    }
    COFFER_TRY(check_row(row, inode));
    Removed removed{row.has_value(), row && row->marker, std::string(request_.version)};
    if (!row) return std::optional<Removed>(std::move(removed));
    if (row->marker && !present_) {
      COFFER_ASSIGN(const bool uncovers, uncover(*row, after));
      if (uncovers) return std::optional<Removed>(std::move(removed));
    }
    TreeChange change(names_);
    COFFER_TRY(change.lock({inode}));
    change.batch().remove(keys::version(bucket_->id, request_.key, row->sequence));
    if (inode) COFFER_TRY(change.drop_link(*inode));
    COFFER_TRY(change.commit(after));
    return std::optional<Removed>(std::move(removed));
  }

  Result<void> check_row(const std::optional<VersionRow>& row, const InodeRef& inode) {
    if (!inode) return check_conditions(request_.conditions, nullptr);
    SharedLock lock(inode->mutex);
    COFFER_ASSIGN(const auto record, object_record(names_, *inode));
    ObjectInfo info = file_info(request_.key, *inode, record);
    info.version = version_id(row->sequence, row->is_null);
    COFFER_TRY(check_conditions(request_.conditions, &info));
    return check_lock(info.metadata);
  }

  Result<void> check_lock(const ObjectMetadata& metadata) const {
    const Governance governance =
        request_.bypass_governance ? Governance::Bypassed : Governance::Holds;
    if (is_locked_now(metadata, governance)) return fail(Errc::Permission, "the version is locked");
    return {};
  }

  /// Removes a marker under which the object is gone. True if a version stood behind it, which is the object now; else nothing
  /// was done.
  Result<bool> uncover(const VersionRow& marker, Aftermath& after) {
    COFFER_ASSIGN(const auto behind,
                  version_behind(meta(), bucket_->id, request_.key, marker.sequence));
    if (!behind || behind->marker) return false;
    COFFER_ASSIGN(const auto newest, newest_version(meta(), bucket_->id, request_.key));
    if (!newest || newest->sequence != marker.sequence) return false;
    const NameSlots& there = chain_.slots();
    // Something that is no object has the name.
    if (chain_.has_holder() && !parsed_.is_directory && there.file) return false;
    VersionPromotion promotion(names_, bucket_->id, request_.key);
    COFFER_TRY(promotion.prepare(*behind));
    std::size_t missing = parsed_.directories.size() - chain_.place().reached();
    if (parsed_.is_directory && !(chain_.has_holder() && there.directory)) ++missing;
    COFFER_ASSIGN(const std::vector<InodeRef> made,
                  new_directories(names_, *chain_.place().parent(), missing));
    const Result<void> done = uncover_with(marker, promotion, made, after);
    if (!done) {
      for (const InodeRef& inode : made) inode->reclaimed = true;  // nobody else ever saw them
      return fail(done.error());
    }
    return true;
  }

  Result<void> uncover_with(const VersionRow& marker, VersionPromotion& promotion,
                            const std::vector<InodeRef>& made, Aftermath& after) {
    std::vector<InodeRef> concerned = made;
    concerned.push_back(chain_.place().parent());
    concerned.push_back(chain_.last());
    concerned.push_back(promotion.inode());
    TreeChange change(names_);
    COFFER_TRY(change.lock(std::move(concerned)));
    change.batch().remove(keys::version(bucket_->id, request_.key, marker.sequence));
    NameSlots& first = chain_.next_slots();
    const NameSlots before = first;
    const std::string& first_name =
        chain_.has_holder() ? parsed_.name : parsed_.directories[chain_.place().reached()];
    COFFER_TRY(enter_directories(names_, change, chain_.place(), parsed_, made, first));
    const InodeRef& holder = made.empty() ? chain_.last() : made.back();
    if (parsed_.is_directory) {
      COFFER_TRY(promotion.to_directory(change, *holder));
    } else {
      NameSlots fresh;
      COFFER_ASSIGN(const std::uint64_t cookie, names_.deps().inodes->next_cookie());
      COFFER_TRY(change.set_entry(*holder, parsed_.name, made.empty() ? first : fresh, false,
                                  Dentry{promotion.inode()->id, FileType::Regular, cookie}));
      promotion.to_file(change);
    }
    COFFER_TRY(change.commit(after));
    describe(after.changes, Door::Gateway, chain_.place().parent()->id, first_name, before, first,
             {});
    return {};
  }

  Namespace& names_;
  const InodeRef& bucket_;
  const Versioning state_;
  const RemoveRequest& request_;
  const ObjectKey& parsed_;
  LockedChain chain_;
  std::size_t first_ = 0;
  std::optional<FoundObject> present_;
  InodeRef present_inode_;  // the file, or the directory of `k/`
};

}  // namespace

Result<std::optional<Removed>> remove_version(Namespace& names, const InodeRef& bucket,
                                              Versioning state, const RemoveRequest& request,
                                              Aftermath& after) {
  COFFER_ASSIGN(const ObjectKey parsed, parse_object_key(request.key));
  return VersionRemoval(names, bucket, state, request, parsed).run(after);
}

}  // namespace coffer
