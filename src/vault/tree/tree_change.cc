#include "vault/tree/tree_change.h"

#include <algorithm>

#include "coffer/core/log.h"
#include "vault/tree/directory_body.h"
#include "vault/tree/keys.h"

namespace coffer {

TreeChange::~TreeChange() {
  if (!committed_) restore();
  for (auto locked = locked_.rbegin(); locked != locked_.rend(); ++locked) {
    locked->inode->mutex.unlock();
  }
}

Result<void> TreeChange::lock(std::vector<InodeRef> inodes) {
  std::erase(inodes, nullptr);
  std::sort(inodes.begin(), inodes.end(),
            [](const InodeRef& a, const InodeRef& b) { return a->id < b->id; });
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  locked_.reserve(inodes.size());
  for (InodeRef& inode : inodes) {
    inode->mutex.lock();
    const InodeRecord& record = inode->record;
    locked_.push_back({inode, record.attributes, record.parent, record.content_version,
                       record.flags, record.version});
    if (inode->reclaimed) return fail(Errc::Stale);
  }
  return {};
}

Result<void> TreeChange::set_entry(Inode& parent, const std::string& stored, NameSlots& slots,
                                   bool directory, const std::optional<Dentry>& after) {
  const Protection protection = parent.record.protection();
  std::optional<Dentry>& slot = directory ? slots.directory : slots.file;
  if (protection.immutable || (protection.append_only && slot))
    return fail(Errc::Permission, "the directory is protected");
  const std::string row = keys::dentry(parent.id, stored, directory);
  if (may_be_hashed(stored)) {
    const std::string name_row = keys::long_name(parent.id, name_hash(stored, directory));
    const std::string name_value = directory ? stored + "/" : stored;
    if (!after) {
      batch_.remove(name_row);
    } else {
      COFFER_ASSIGN(const auto present, names_.deps().meta->get(name_row));
      if (present && *present != name_value) return fail(Errc::Conflict, "two names with one hash");
      batch_.put(name_row, name_value);
    }
  }
  if (slot && (!after || after->cookie != slot->cookie)) {
    batch_.remove(keys::directory_index(parent.id, slot->cookie));
  }
  if (after) {
    batch_.put(row, encode_dentry(*after));
    batch_.put(keys::directory_index(parent.id, after->cookie),
               encode_indexed_entry({after->inode, after->type, stored}));
  } else {
    batch_.remove(row);
  }
  Attributes& attributes = parent.record.attributes;
  const int difference = (after ? 1 : 0) - (slot ? 1 : 0);
  attributes.size += static_cast<std::uint64_t>(static_cast<std::int64_t>(difference));
  if (directory) attributes.nlink += static_cast<std::uint32_t>(difference);
  attributes.mtime = attributes.ctime = now_;
  slot = after;
  if (slots.file && slots.directory) parent.record.flags |= InodeRecord::kTwins;
  const auto [known, fresh] = names_after_.try_emplace({parent.id, stored}, slots);
  if (!fresh) (directory ? known->second.directory : known->second.file) = after;
  return {};
}

Result<void> TreeChange::drop_link(Inode& inode) {
  if (inode.record.protection().any()) return fail(Errc::Permission, "protected");
  Attributes& attributes = inode.record.attributes;
  attributes.ctime = now_;
  attributes.nlink = attributes.type == FileType::Directory ? 0 : attributes.nlink - 1;
  if (attributes.nlink > 0) return {};
  for (Locked& locked : locked_) {
    if (locked.inode.get() == &inode) locked.unlinked = true;
  }
  return {};
}

Result<void> TreeChange::stage() {
  const Namespace::Deps& deps = names_.deps();
  bool bytes_needed = false;
  for (Locked& locked : locked_) {
    Inode& inode = *locked.inode;
    if (locked.unlinked) {
      locked.staged = true;
      COFFER_ASSIGN(locked.reclaim, deps.inodes->stage_unlinked(batch_, inode));
      continue;
    }
    if (!inode.content.pending.empty()) {
      // Where there is no room for them, the rows go without the bytes, which the next close or fsync tells of.
      auto settled = deps.bytes->settle(inode, FileBytes::Settle::Sealed);
      if (!settled && settled.error().code != Errc::NoSpace) return settled;
    }
    bytes_needed = bytes_needed || !inode.content.uncommitted.empty();
    locked.staged = true;
    deps.inodes->stage(batch_, inode);
  }
  if (bytes_needed) return deps.segments->write_out();
  return {};
}

Result<void> TreeChange::commit(Aftermath& after) {
  COFFER_TRY(stage());
  for (const auto& [name, slots] : names_after_) names_.forget_name(name.first, name.second);
  COFFER_TRY(names_.deps().meta->commit(std::move(batch_)));
  committed_ = true;
  for (Locked& locked : locked_) {
    if (!locked.unlinked || locked.reclaim) {
      names_.deps().inodes->committed(*locked.inode);
    } else {
      names_.deps().inodes->removed(*locked.inode);
    }
    if (locked.reclaim) after.reclaim.push_back(locked.inode->id);
  }
  for (const auto& [name, slots] : names_after_) {
    names_.remember_name(name.first, name.second, slots);
  }
  return {};
}

void TreeChange::restore() {
  for (Locked& locked : locked_) {
    Inode& inode = *locked.inode;
    if (inode.reclaimed) continue;
    InodeRecord& record = inode.record;
    const std::uint16_t row_form = record.flags & InodeRecord::kExtentRows;
    record.attributes = locked.attributes;
    record.parent = locked.parent;
    record.version = std::move(locked.version);
    record.content_version = locked.content_version;
    record.flags =
        static_cast<std::uint16_t>((locked.flags & ~InodeRecord::kExtentRows) | row_form);
    if (locked.staged) names_.deps().inodes->uncommitted(inode);
  }
}

void describe(std::vector<Change>& changes, Door door, InodeId parent, std::string_view stored,
              const NameSlots& before, const NameSlots& after, std::string_view primary) {
  const auto shown = [&](const NameSlots& slots) {
    std::map<std::string, InodeId> names;
    if (slots.directory) names[visible_name(stored, true, false)] = slots.directory->inode;
    if (slots.file) {
      names[visible_name(stored, false, slots.directory.has_value())] = slots.file->inode;
    }
    return names;
  };
  const auto tell = [&](Change::Kind kind, const std::string& name, InodeId inode) {
    const Door told = door == Door::Mount && name != primary ? Door::Upkeep : door;
    changes.push_back({told, kind, parent, name, inode});
  };
  const auto old_names = shown(before);
  const auto new_names = shown(after);
  for (const auto& [name, inode] : old_names) {
    const auto now = new_names.find(name);
    if (now == new_names.end()) {
      tell(Change::Kind::EntryRemoved, name, inode);
    } else if (now->second != inode) {
      tell(Change::Kind::EntryReplaced, name, inode);
    }
  }
  for (const auto& [name, inode] : new_names) {
    if (!old_names.contains(name)) tell(Change::Kind::EntryAdded, name, inode);
  }
}

void finish(Namespace& names, const Aftermath& after) {
  for (const InodeId inode : after.reclaim) names.deps().inodes->reclaim_later(inode);
  names.publish(after.changes);
  for (const InodeId bucket : after.buckets_gone) {
    names.versions().set(bucket, Versioning::Off);
    if (auto dropped = drop_uploads(names, bucket); !dropped) {
      log_warning("uploads into removed bucket {} are left behind: {}", bucket,
                  dropped.error().context);
    }
  }
}

}  // namespace coffer
