// TreeService: rename(2) with all its forms.
//
//   look ──► a directory moves? ──yes──► gate alone ─┐
//                └─no──► gate shared ────────────────┴► lock entries by (depth, number) ──► look again
//                                                          │ same as before          │ changed: start over
//                                                          ▼
//                                                  replace() or exchange()

#include <algorithm>

#include "vault/tree/directory_body.h"
#include "vault/tree/new_inode.h"
#include "vault/tree/tree_service.h"

namespace coffer {
namespace {

// Each turn loses against a change of the same names by somebody else.
constexpr int kTurnsMax = 1000;

bool same_entry(const FoundName& a, const FoundName& b) {
  if (a.entry.has_value() != b.entry.has_value()) return false;
  return !a.entry || (a.entry->inode == b.entry->inode && a.entry->type == b.entry->type);
}

// Holds several directories' `entries`, taken by (depth, number): ancestors first, the same way for everybody.
class EntriesLocks {
 public:
  explicit EntriesLocks(Namespace& names) : names_(names) {}
  ~EntriesLocks() {
    for (auto inode = locked_.rbegin(); inode != locked_.rend(); ++inode)
      (*inode)->entries.unlock();
  }
  EntriesLocks(const EntriesLocks&) = delete;
  EntriesLocks& operator=(const EntriesLocks&) = delete;

  Result<void> lock(std::vector<InodeRef> directories) {
    std::erase(directories, nullptr);
    std::vector<std::pair<std::pair<unsigned, InodeId>, InodeRef>> order;
    for (InodeRef& directory : directories) {
      COFFER_ASSIGN(const unsigned depth, names_.depth(directory->id));
      order.push_back({{depth, directory->id}, std::move(directory)});
    }
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [place, directory] : order) {
      if (!locked_.empty() && locked_.back() == directory) continue;
      directory->entries.lock();
      locked_.push_back(std::move(directory));
    }
    return {};
  }

 private:
  Namespace& names_;
  std::vector<InodeRef> locked_;
};

}  // namespace

struct TreeService::RenamePlan {
  const RenameRequest& request;
  InodeRef from, to;  // the parents
  FoundName source, target;
  InodeRef moved, met;  // the inodes: what moves, and what stands at the target (or null)
  InodeRef whiteout;    // what takes the moved one's place (or null)

  [[nodiscard]] bool exchanges() const { return request.mode == RenameRequest::Mode::Exchange; }
};

Result<void> TreeService::rename(const RenameRequest& request) {
  bool alone = false;
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    Aftermath after;
    const auto done = [&]() -> Result<bool> {
      if (alone) {
        AloneLock gate(names_.gate());
        return rename_once(request, true, after);
      }
      PathLock gate(names_.gate());
      return rename_once(request, false, after);
    }();
    if (!done) return fail(done.error());
    if (*done) {
      finish(names_, after);
      return {};
    }
    alone = true;
  }
  return fail(Errc::Busy, "the names of a rename kept changing");
}

Result<bool> TreeService::rename_once(const RenameRequest& request, bool alone, Aftermath& after) {
  RenamePlan plan{request, nullptr, nullptr, {}, {}, nullptr, nullptr, nullptr};
  COFFER_ASSIGN(plan.from, names_.directory(request.from_parent));
  COFFER_ASSIGN(plan.to, names_.directory(request.to_parent));
  COFFER_ASSIGN(const FoundName source,
                names_.find(*plan.from, request.from_name, Namespace::Held::No));
  COFFER_ASSIGN(const FoundName target,
                names_.find(*plan.to, request.to_name, Namespace::Held::No));
  if (!source.entry) return fail(Errc::NotFound);
  COFFER_TRY(check_versions_stay(request, source, target));
  const bool directory_moves = source.is_directory() || (plan.exchanges() && target.is_directory());
  if (directory_moves && !alone) return false;

  InodeRef victim;  // a directory that is to be replaced: nothing may be made in it meanwhile
  if (source.is_directory()) {
    COFFER_ASSIGN(const bool into_itself, names_.is_within(request.to_parent, source.entry->inode));
    if (into_itself) return fail(Errc::InvalidArgument, "a directory into itself");
  }
  if (target.is_directory() && target.entry->inode != source.entry->inode) {
    if (alone) {
      COFFER_ASSIGN(const bool holds_source,
                    names_.is_within(request.from_parent, target.entry->inode));
      if (holds_source) return fail(plan.exchanges() ? Errc::InvalidArgument : Errc::NotEmpty);
    }
    if (source.is_directory() && !plan.exchanges()) {
      COFFER_ASSIGN(victim, parts().inodes->get(target.entry->inode));
    }
  }

  EntriesLocks locks(names_);
  COFFER_TRY(locks.lock({plan.from, plan.to, victim}));
  COFFER_ASSIGN(plan.source, names_.find(*plan.from, request.from_name, Namespace::Held::Yes));
  COFFER_ASSIGN(plan.target, names_.find(*plan.to, request.to_name, Namespace::Held::Yes));
  if (!same_entry(source, plan.source) || !same_entry(target, plan.target)) return false;
  COFFER_TRY(rename_checked(plan, after));
  return true;
}

Result<void> TreeService::rename_checked(RenamePlan& plan, Aftermath& after) {
  const FoundName& source = plan.source;
  const FoundName& target = plan.target;
  if (target.entry && plan.request.mode == RenameRequest::Mode::NoReplace)
    return fail(Errc::Exists);
  if (plan.exchanges() && !target.entry) return fail(Errc::NotFound);
  if (!target.entry) {
    if (const auto refused = Namespace::refuses(target, source.is_directory()))
      return fail(*refused);
  } else if (target.entry->inode == source.entry->inode) {
    return {};  // the same file: rename(2) does nothing
  } else if (!plan.exchanges()) {
    if (source.is_directory() && !target.is_directory()) return fail(Errc::NotDirectory);
    if (!source.is_directory() && target.is_directory()) return fail(Errc::IsDirectory);
  }
  COFFER_ASSIGN(plan.moved, parts().inodes->get(source.entry->inode));
  if (target.entry) {
    COFFER_ASSIGN(plan.met, parts().inodes->get(target.entry->inode));
  }
  if (plan.exchanges()) return exchange(plan, after);
  COFFER_ASSIGN(plan.whiteout, make_whiteout(plan));
  Result<void> replaced = replace(plan, after);
  if (!replaced && plan.whiteout) plan.whiteout->reclaimed = true;  // nobody else ever saw it
  return replaced;
}

/// In the slot of files, which has to be free when a directory moves away.
Result<InodeRef> TreeService::make_whiteout(const RenamePlan& plan) {
  if (!plan.request.whiteout) return InodeRef{};
  const FoundName& source = plan.source;
  if (source.is_directory() && source.slots.file) return fail(Errc::Exists);
  if (source.asked.stored.empty()) {
    return fail(Errc::InvalidArgument, "only a directory has an empty name");
  }
  COFFER_ASSIGN(InodeRecord record, new_record(*plan.request.whiteout));
  return parts().inodes->make(std::move(record));
}

Result<void> TreeService::replace(RenamePlan& plan, Aftermath& after) {
  FoundName& source = plan.source;
  FoundName& target = plan.target;
  const bool is_directory = source.is_directory();
  InodeRef body;
  if (plan.met && is_directory) {
    COFFER_ASSIGN(body, body_of(names_, plan.met));
  }
  std::uint64_t cookie = 0;
  if (target.entry) {
    cookie = target.entry->cookie;  // the name stays: a listing that is under way shows it once
  } else {
    COFFER_ASSIGN(cookie, parts().inodes->next_cookie());
  }

  TreeChange change(names_);
  COFFER_TRY(change.lock({plan.from, plan.to, plan.moved, plan.met, body, plan.whiteout}));
  if (plan.from->record.attributes.nlink == 0 || plan.to->record.attributes.nlink == 0) {
    return fail(Errc::NotFound);
  }
  if (plan.met && is_directory && plan.met->record.attributes.size > 0) return fail(Errc::NotEmpty);
  if (plan.moved->record.protection().any()) return fail(Errc::Permission, "protected");
  const NameSlots source_before = source.slots;
  const NameSlots target_before = target.slots;
  COFFER_TRY(
      change.set_entry(*plan.from, source.asked.stored, source.slots, is_directory, std::nullopt));
  if (plan.whiteout) {
    const Dentry left{plan.whiteout->id, plan.whiteout->record.attributes.type,
                      source.entry->cookie};
    COFFER_TRY(change.set_entry(*plan.from, source.asked.stored, source.slots, false, left));
  }
  const Dentry entry{source.entry->inode, source.entry->type, cookie};
  COFFER_TRY(change.set_entry(*plan.to, target.asked.stored, target.slots, is_directory, entry));
  plan.moved->record.attributes.ctime = change.now();
  if (is_directory) plan.moved->record.parent = plan.to->id;
  if (plan.met) COFFER_TRY(change.drop_link(*plan.met));
  if (body) COFFER_TRY(change.drop_link(*body));
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, plan.from->id, source.asked.stored, source_before,
           source.slots, plan.request.from_name);
  describe(after.changes, Door::Mount, plan.to->id, target.asked.stored, target_before,
           target.slots, plan.request.to_name);
  if (plan.met && is_directory && plan.to->id == kRootInode)
    after.buckets_gone.push_back(plan.met->id);
  return {};
}

Result<void> TreeService::exchange(RenamePlan& plan, Aftermath& after) {
  FoundName& source = plan.source;
  FoundName& target = plan.target;
  const bool source_is_directory = source.is_directory();
  const bool target_is_directory = target.is_directory();
  if (source_is_directory != target_is_directory) {
    // Each takes the other's stored name in its own kind of slot, which must be free.
    const bool taken =
        (source_is_directory ? target.slots.directory : target.slots.file).has_value() ||
        (target_is_directory ? source.slots.directory : source.slots.file).has_value();
    if (taken) return fail(Errc::Exists);
    const std::string& for_file = source_is_directory ? source.asked.stored : target.asked.stored;
    if (for_file.empty()) return fail(Errc::InvalidArgument, "only a directory has an empty name");
  }

  TreeChange change(names_);
  COFFER_TRY(change.lock({plan.from, plan.to, plan.moved, plan.met}));
  if (plan.from->record.attributes.nlink == 0 || plan.to->record.attributes.nlink == 0) {
    return fail(Errc::NotFound);
  }
  if (plan.moved->record.protection().any() || plan.met->record.protection().any()) {
    return fail(Errc::Permission, "protected");
  }
  const NameSlots source_before = source.slots;
  const NameSlots target_before = target.slots;
  const Dentry to_source{target.entry->inode, target.entry->type, source.entry->cookie};
  const Dentry to_target{source.entry->inode, source.entry->type, target.entry->cookie};
  if (source_is_directory != target_is_directory) {
    COFFER_TRY(
        change.set_entry(*plan.from, source.asked.stored, source.slots, source_is_directory, {}));
    COFFER_TRY(
        change.set_entry(*plan.to, target.asked.stored, target.slots, target_is_directory, {}));
  }
  COFFER_TRY(change.set_entry(*plan.from, source.asked.stored, source.slots, target_is_directory,
                              to_source));
  COFFER_TRY(change.set_entry(*plan.to, target.asked.stored, target.slots, source_is_directory,
                              to_target));
  if (source_is_directory) plan.moved->record.parent = plan.to->id;
  if (target_is_directory) plan.met->record.parent = plan.from->id;
  plan.moved->record.attributes.ctime = plan.met->record.attributes.ctime = change.now();
  COFFER_TRY(change.commit(after));
  describe(after.changes, Door::Mount, plan.from->id, source.asked.stored, source_before,
           source.slots, plan.request.from_name);
  describe(after.changes, Door::Mount, plan.to->id, target.asked.stored, target_before,
           target.slots, plan.request.to_name);
  return {};
}

}  // namespace coffer
