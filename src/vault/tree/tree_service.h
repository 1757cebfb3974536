#pragma once
/// TreeService: the Tree of an opened vault.
///
/// Operations by file: tree_lookup.cc (lookup, readdir), tree_make.cc (nodes, links), tree_remove.cc, tree_rename.cc,
/// tree_attributes.cc, tree_xattrs.cc, tree_files.cc (bytes, commit, sync), tree_versions.cc (versioned buckets).
///
/// Borrows   the namespace and what it borrows.
/// Locks     docs/architecture.md: gate → entries by (depth, number) → inode mutexes by number; held across the metadata commit,
///           released before change events are published.

#include <atomic>
#include <unordered_set>

#include "coffer/vault/tree.h"
#include "vault/tree/namespace.h"
#include "vault/tree/object_path.h"
#include "vault/tree/tree_change.h"
#include "vault/tree/version_edit.h"

namespace coffer {

class TreeService final : public Tree {
 public:
  explicit TreeService(Namespace& names) : names_(names) {}

  Result<Entry> lookup(InodeId parent, std::string_view name) override;
  Result<Entry> make_node(InodeId parent, std::string_view name, const NewNode& node) override;
  Result<Entry> make_unlinked(InodeId directory, const NewNode& node) override;
  Result<Entry> link(InodeId inode, InodeId parent, std::string_view name) override;
  Result<void> unlink(InodeId parent, std::string_view name) override;
  Result<void> remove_directory(InodeId parent, std::string_view name) override;
  Result<void> rename(const RenameRequest& request) override;
  Result<std::string> read_link(InodeId inode) override;
  Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                              const std::function<bool(const DirectoryEntry&)>& sink) override;
  Result<InodeId> parent_of(InodeId directory) override;

  Result<Attributes> attributes(InodeId inode) override;
  Result<Attributes> set_attributes(InodeId inode, const SetAttributes& change) override;
  Result<std::string> get_xattr(InodeId inode, std::string_view name) override;
  Result<void> set_xattr(InodeId inode, std::string_view name, Bytes value,
                         XattrMode mode) override;
  Result<void> set_acl(InodeId inode, AclKind kind, Bytes value, SetGroupId set_group_id) override;
  Result<void> remove_xattr(InodeId inode, std::string_view name) override;
  Result<std::vector<std::string>> list_xattrs(InodeId inode) override;

  Result<std::size_t> read(InodeId inode, std::uint64_t offset, MutableBytes out) override;
  Result<void> write(InodeId inode, std::uint64_t offset, Bytes data) override;
  Result<void> allocate(InodeId inode, AllocateMode mode, std::uint64_t offset,
                        std::uint64_t length) override;
  Result<std::uint64_t> seek(InodeId inode, std::uint64_t offset, SeekTarget target) override;
  Result<std::uint64_t> copy_range(InodeId from, std::uint64_t from_offset, InodeId to,
                                   std::uint64_t to_offset, std::uint64_t length) override;
  Result<void> commit_file(InodeId inode) override;
  Result<void> sync_file(InodeId inode) override;
  Result<void> sync_all() override;

  Result<SpaceInfo> space() override;
  void set_inode_users(InodeUsers* users) override;
  void forgotten(InodeId inode) override;

 private:
  struct RenamePlan;

  [[nodiscard]] const Namespace::Deps& parts() const { return names_.deps(); }
  /// An inode that is not reclaimed; Stale otherwise.
  Result<InodeRef> live(InodeId id);
  Result<InodeRef> regular(InodeId id);
  Result<Entry> entry_of(InodeId id);
  Result<Attributes> load_attributes(InodeId inode);
  Result<Attributes> try_set_attributes(const InodeRef& target, const SetAttributes& change);
  Result<void> read_entries(InodeId directory, std::uint64_t cookie,
                            const std::function<bool(const DirectoryEntry&)>& sink);
  Result<Entry> make_locked(Inode& parent, std::string_view name, const NewNode& node,
                            Aftermath& after);
  Result<Entry> link_locked(const InodeRef& inode, Inode& parent, std::string_view name,
                            Aftermath& after);
  Result<void> unlink_locked(Inode& parent, std::string_view name, Aftermath& after);
  struct DoomedDirectory {
    InodeRef inode, body;
    VersionEdit* edit;  // null: it leaves no versions
    const std::optional<FoundObject>& object;
  };
  Result<void> take_directory(Inode& parent, FoundName& found, const DoomedDirectory& doomed,
                              Aftermath& after);
  Result<void> remove_directory_locked(Inode& parent, std::string_view name, Aftermath& after);

  /// What becomes of the versions of this name; null where it has none. @pre the gate is held
  Result<std::unique_ptr<VersionEdit>> version_edit(InodeId parent, std::string_view stored,
                                                    FileType type);
  /// Files from before their bucket had versions, that the kernel is about to know: version_fork.h.
  Result<void> adopt_name(InodeId parent, std::string_view name);
  Result<void> adopt_listed(InodeId parent, const std::vector<std::string>& listed);
  /// Is it in a versioned bucket? @pre the gate is held
  Result<bool> is_versioned(InodeId directory);
  /// CrossDevice, NotEmpty: versions would lose their key. @pre the gate is held
  Result<void> check_versions_stay(const RenameRequest& request, const FoundName& source,
                                   const FoundName& target);

  Result<void> put_xattr(TreeChange& change, Inode& target, std::string_view name,
                         std::string_view value, XattrMode mode);

  Result<bool> rename_once(const RenameRequest& request, bool alone, Aftermath& after);
  Result<void> rename_checked(RenamePlan& plan, Aftermath& after);
  Result<InodeRef> make_whiteout(const RenamePlan& plan);
  Result<void> replace(RenamePlan& plan, Aftermath& after);
  Result<void> exchange(RenamePlan& plan, Aftermath& after);

  Namespace& names_;
  // Made without a name and never linked: nobody queues them for the reaper before the kernel forgets them.
  Mutex loose_mutex_;
  std::unordered_set<InodeId> loose_ GUARDED_BY(loose_mutex_);
  std::atomic<std::size_t> loose_count_{0};
};

}  // namespace coffer
