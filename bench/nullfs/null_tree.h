#pragma once
/// NullTree: a tree in memory, without keys, rows or durability. Behind the session of src/fuse it answers the same requests as
/// a vault at next to no cost: the bound that FUSE sets on a machine. Not a file system to keep anything in.
///
/// Threads   any: one lock for the names and attributes, one lock per file for its bytes.
/// Absent    hard cases that no benchmark sends (whiteouts, ranges shared between files, sparse accounting).

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "coffer/vault/tree.h"

namespace coffer::bench {

class NullTree : public Tree {
 public:
  NullTree();
  ~NullTree() override;

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
  Result<void> set_acl(InodeId inode, AclKind kind, Bytes value,
                       SetGroupId set_group_id) override;
  Result<void> remove_xattr(InodeId inode, std::string_view name) override;
  Result<std::vector<std::string>> list_xattrs(InodeId inode) override;
  Result<std::size_t> read(InodeId inode, std::uint64_t offset, MutableBytes out) override;
  Result<void> write(InodeId inode, std::uint64_t offset, Bytes data) override;
  Result<void> allocate(InodeId inode, AllocateMode mode, std::uint64_t offset,
                        std::uint64_t length) override;
  Result<std::uint64_t> seek(InodeId inode, std::uint64_t offset, SeekTarget target) override;
  Result<std::uint64_t> copy_range(InodeId from, std::uint64_t from_offset, InodeId to,
                                   std::uint64_t to_offset, std::uint64_t length) override;
  Result<void> commit_file(InodeId) override { return {}; }
  Result<void> sync_file(InodeId) override { return {}; }
  Result<void> sync_all() override { return {}; }
  Result<SpaceInfo> space() override;
  void set_inode_users(InodeUsers*) override {}
  void forgotten(InodeId inode) override;

 private:
  struct Node;
  using NodeRef = std::shared_ptr<Node>;

  Result<NodeRef> find(InodeId inode) const;
  Result<NodeRef> find_directory(InodeId inode) const;
  NodeRef make(const NewNode& node);
  static void add_name(Node& directory, std::string_view name, const NodeRef& node);
  void remove_name(Node& directory, const std::string& name, const NodeRef& node);

  mutable std::shared_mutex mutex_;  // everything but the bytes of files
  std::unordered_map<std::uint64_t, NodeRef> nodes_;
  std::uint64_t next_inode_;
};

}  // namespace coffer::bench
