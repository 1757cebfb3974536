// TreeService: attributes, and the ends of inodes that the kernel knows.

#include "vault/tree/tree_service.h"
#include "vault/tree/version_lock.h"

namespace coffer {
namespace {

/// As the kernel's own file systems have it (notify_change, may_setattr).
bool is_allowed(Protection protection, const SetAttributes& change) {
  const bool lasting = change.permissions || change.uid || change.gid || change.size;
  const bool times = change.atime || change.mtime;
  if (protection.immutable || protection.append_only) {
    if (lasting) return false;
    if (!times || change.times == SetAttributes::Times::PageCache) return true;
    return !protection.immutable && change.times == SetAttributes::Times::Touch;
  }
  return true;
}

/// Nothing but the time of change is another one: the kernel says so after each rename, which has just committed a time of its
/// own.
bool changes_ctime_alone(const Attributes& now, const SetAttributes& change) {
  if (change.permissions || change.uid || change.gid) return false;
  return (!change.atime || *change.atime == now.atime) &&
         (!change.mtime || *change.mtime == now.mtime);
}

/// May a change go with the next commit of the inode (docs/decisions/0010)?
bool may_wait(const Inode& inode, const SetAttributes& change) {
  if (change.size || change.protection) return false;
  // Nothing of it but an empty file is committed, so there are no bytes that a lost change would bare or hide.
  if (inode.newborn) return true;
  // A crash takes the inode itself; a link that gives it a name commits all of it.
  if (inode.record.attributes.nlink == 0) return true;
  // Times were answered after the writes, which a crash may lose, and a commit of their own would seal a file's first
  // bytes twice.
  const bool times_only = !change.permissions && !change.uid && !change.gid;
  const bool bytes_wait = !inode.content.pending.empty() || !inode.content.uncommitted.empty();
  if (times_only && bytes_wait) return true;
  return changes_ctime_alone(inode.record.attributes, change);
}

}  // namespace

Result<Attributes> TreeService::attributes(InodeId inode) {
  Result<Attributes> answer{Attributes{}};
  if (!parts().inodes->known_attributes(inode, *answer)) answer = load_attributes(inode);
  return answer;
}

Result<Attributes> TreeService::load_attributes(InodeId inode) {
  COFFER_ASSIGN(const InodeRef found, live(inode));
  SharedLock lock(found->mutex);
  if (found->reclaimed) return fail(Errc::Stale);
  return shown_attributes(names_, *found);
}

Result<Attributes> TreeService::set_attributes(InodeId inode, const SetAttributes& change) {
  COFFER_ASSIGN(const InodeRef target, live(inode));
  return parts().bytes->with_open_version(target, [&] {
    return parts().bytes->with_room([&] { return try_set_attributes(target, change); });
  });
}

Result<Attributes> TreeService::try_set_attributes(const InodeRef& target,
                                                   const SetAttributes& change) {
  Aftermath after;
  TreeChange tree(names_);
  COFFER_TRY(tree.lock({target}));
  Attributes& attributes = target->record.attributes;
  if (!is_allowed(target->record.protection(), change)) return fail(Errc::Permission, "protected");
  if (change.size && attributes.type != FileType::Regular) {
    return fail(attributes.type == FileType::Directory ? Errc::IsDirectory : Errc::InvalidArgument);
  }
  if (change.size && target->record.has(InodeRecord::kSealed)) return fail(kCompleteVersion);
  // A store that failed commits nothing later either: whoever asks is told now.
  const bool waits = may_wait(*target, change) && !parts().meta->failed();
  if (change.size) {
    COFFER_TRY(parts().bytes->resize(*target, *change.size));
    attributes.mtime = tree.now();
  }
  if (change.protection) target->record.protect(*change.protection);
  if (change.permissions) attributes.permissions = *change.permissions & 07777;
  if (change.uid) attributes.uid = *change.uid;
  if (change.gid) attributes.gid = *change.gid;
  if (change.atime) attributes.atime = *change.atime;
  if (change.mtime) attributes.mtime = *change.mtime;
  attributes.ctime = change.ctime ? *change.ctime : tree.now();
  if (waits) {
    parts().inodes->mark_dirty(*target);
    tree.keep();
    return visible_attributes(target->record);
  }
  COFFER_TRY(tree.commit(after));
  return visible_attributes(target->record);
}

void TreeService::set_inode_users(InodeUsers* users) { parts().inodes->set_users(users); }

void TreeService::forgotten(InodeId inode) {
  if (loose_count_.load() > 0) {
    bool loose = false;
    {
      MutexLock lock(loose_mutex_);
      loose = loose_.erase(inode) > 0;
      loose_count_.store(loose_.size());
    }
    if (loose) parts().inodes->reclaim_later(inode);
  }
  parts().inodes->forgotten(inode);
}

}  // namespace coffer
