#pragma once
/// Tree: the namespace and the file bytes of a vault, in POSIX terms, by inode number.
///
/// Names     are what the mount shows: 1..255 bytes, no '/', no NUL. Stored names that POSIX cannot hold (S3 keys) appear
///           under escaped names, a bijection (docs/format.md §5, name_escape).
/// Owns      the inode cache. Callers hold InodeIds, never pointers.
/// Threads   everything from any thread. Calls block on disk and are not interruptible.
/// Errors    the POSIX ones by their Errc (NotFound, Exists, NotEmpty, …); Stale: the inode was reclaimed; NoSpace; Io;
///           ReadOnly. Permissions are the caller's business (the kernel checks them at the mount).
/// Durable   docs: docs/architecture.md, "The data's way". Namespace calls return with their rows in the WAL (survive kill -9), and so does set_attributes(),
///           except for times of a file with uncommitted bytes and for a file that is NewNode::Birth::Opened. write() is only
///           visible; commit_file() makes it survive kill -9; sync_file()/sync_all() make it survive power loss.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/attributes.h"
#include "coffer/vault/ids.h"

namespace coffer {

struct Entry {
  InodeId inode;
  Attributes attributes;
};

struct NewNode {
  FileType type = FileType::Regular;
  std::uint16_t permissions = 0644;
  std::uint16_t umask = 0;  // of permissions, unless the directory has a default ACL
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t rdev = 0;
  std::string symlink_target;  // Symlink only, 1..4095 bytes
  /// Regular only. Opened: the caller holds it open for writing from the start and ends that with commit_file(); until then
  /// changes of its attributes wait for that commit.
  enum class Birth : std::uint8_t { Closed, Opened } birth = Birth::Closed;
};

struct RenameRequest {
  enum class Mode : std::uint8_t { Replace, NoReplace, Exchange };
  InodeId from_parent;
  std::string_view from_name;
  InodeId to_parent;
  std::string_view to_name;
  Mode mode = Mode::Replace;
  std::optional<NewNode> whiteout{};  // what takes the old name's place; never with Exchange
};

/// One entry of a directory listing, in cookie order. `cookie` is persistent: listing from it goes on behind this entry.
struct DirectoryEntry {
  std::string_view name;  // valid during the callback
  InodeId inode;
  FileType type;
  std::uint64_t cookie;
};

struct SpaceInfo {
  std::uint64_t bytes_total, bytes_free, bytes_available;
  std::uint64_t inodes_used, inodes_free;
};

/// File capabilities, capabilities(7): a write to the file drops them.
constexpr std::string_view kCapabilityXattr = "security.capability";

enum class XattrMode : std::uint8_t { Any, Create, Replace };
enum class AclKind : std::uint8_t { Access, Default };
enum class SetGroupId : std::uint8_t { Keep, Drop };
enum class AllocateMode : std::uint8_t { Extend, KeepSize, PunchHole, ZeroRange };  // fallocate(2)
enum class SeekTarget : std::uint8_t { Data, Hole };

/// Says who outside the tree still knows an inode (the kernel, through the mount). Asked with tree locks held: must be
/// quick and take no lock under which the tree is called.
class InodeUsers {
 public:
  virtual ~InodeUsers() = default;
  virtual bool in_use(InodeId inode) = 0;
};

class Tree {
 public:
  virtual ~Tree() = default;

  // ---- namespace
  virtual Result<Entry> lookup(InodeId parent, std::string_view name) = 0;
  virtual Result<Entry> make_node(InodeId parent, std::string_view name,
                                  const NewNode& node) = 0;  // any type
  /// O_TMPFILE: no links, linkable. It gets from the directory what a file made in it would.
  virtual Result<Entry> make_unlinked(InodeId directory, const NewNode& node) = 0;
  virtual Result<Entry> link(InodeId inode, InodeId parent, std::string_view name) = 0;
  virtual Result<void> unlink(InodeId parent, std::string_view name) = 0;
  virtual Result<void> remove_directory(InodeId parent, std::string_view name) = 0;
  virtual Result<void> rename(const RenameRequest& request) = 0;
  virtual Result<std::string> read_link(InodeId inode) = 0;
  /// Calls `sink` for entries behind `cookie` (0: from the start; "." and ".." are the caller's) until it returns false.
  virtual Result<void> read_directory(InodeId directory, std::uint64_t cookie,
                                      const std::function<bool(const DirectoryEntry&)>& sink) = 0;
  virtual Result<InodeId> parent_of(InodeId directory) = 0;

  // ---- inodes
  virtual Result<Attributes> attributes(InodeId inode) = 0;
  virtual Result<Attributes> set_attributes(InodeId inode,
                                            const SetAttributes& change) = 0;  // also truncate
  virtual Result<std::string> get_xattr(InodeId inode, std::string_view name) = 0;
  virtual Result<void> set_xattr(InodeId inode, std::string_view name, Bytes value,
                                 XattrMode mode) = 0;
  /// acl(5), in the kernel's form. An access ACL changes the permissions too. Reading, removing and listing are those of xattrs.
  virtual Result<void> set_acl(InodeId inode, AclKind kind, Bytes value,
                               SetGroupId set_group_id) = 0;
  /// kCapabilityXattr also where the inode is protected: a write through an older descriptor drops it (the doors ask before
  /// they remove it for a caller).
  virtual Result<void> remove_xattr(InodeId inode, std::string_view name) = 0;
  virtual Result<std::vector<std::string>> list_xattrs(InodeId inode) = 0;

  // ---- file bytes (Regular only)
  virtual Result<std::size_t> read(InodeId inode, std::uint64_t offset,
                                   MutableBytes out) = 0;  // short at end of file
  virtual Result<void> write(InodeId inode, std::uint64_t offset,
                             Bytes data) = 0;  // all or an error
  virtual Result<void> allocate(InodeId inode, AllocateMode mode, std::uint64_t offset,
                                std::uint64_t length) = 0;
  /// Next data or hole at or behind `offset`; NotFound beyond the end (ENXIO).
  virtual Result<std::uint64_t> seek(InodeId inode, std::uint64_t offset, SeekTarget target) = 0;
  /// copy_file_range(2): shares extents. Returns bytes copied.
  virtual Result<std::uint64_t> copy_range(InodeId from, std::uint64_t from_offset, InodeId to,
                                           std::uint64_t to_offset, std::uint64_t length) = 0;
  /// close(2): reports write errors that happened after write() returned, once per handle that asks.
  virtual Result<void> commit_file(InodeId inode) = 0;
  virtual Result<void> sync_file(InodeId inode) = 0;  // fsync, fsyncdir
  virtual Result<void> sync_all() = 0;                // syncfs

  virtual Result<SpaceInfo> space() = 0;

  // ---- life of inodes that the kernel knows
  /// `users` is borrowed; nullptr ends it. An inode without links is kept while in_use().
  virtual void set_inode_users(InodeUsers* users) = 0;
  /// The last user forgot it: reclaims an inode that has no links and no open readers. Count first, then ask for attributes
  /// when an inode is handed out: attributes() says Stale once it is reclaimed.
  virtual void forgotten(InodeId inode) = 0;
};

}  // namespace coffer
