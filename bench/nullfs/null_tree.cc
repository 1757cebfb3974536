#include "bench/nullfs/null_tree.h"

#include <algorithm>
#include <cstring>

namespace coffer::bench {

namespace {
constexpr std::uint64_t kBlockBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kPretendedBytes = std::uint64_t{1} << 40;
}  // namespace

struct NullTree::Node {
  struct Name {
    std::uint64_t cookie;
    NodeRef node;
  };

  Attributes attributes;
  std::string target;                              // of a symlink
  std::unordered_map<std::string, Name> names;     // of a directory
  std::map<std::uint64_t, std::string> by_cookie;  // likewise
  std::uint64_t next_cookie = 1;
  InodeId parent;
  std::map<std::string, std::string, std::less<>> xattrs;

  std::shared_mutex bytes_mutex;
  std::vector<std::vector<std::byte>>
      blocks;  // each as long as what was written of it; the rest is zeros

  template <typename Span, typename Copy>
  void for_each_block(std::uint64_t offset, Span bytes, const Copy& copy) {
    while (!bytes.empty()) {
      const std::uint64_t within = offset % kBlockBytes;
      const std::size_t size = std::min<std::uint64_t>(bytes.size(), kBlockBytes - within);
      copy(offset / kBlockBytes, within, bytes.first(size));
      bytes = bytes.subspan(size);
      offset += size;
    }
  }
};

NullTree::NullTree() : next_inode_(kRootInode.value()) {
  NewNode root;
  root.type = FileType::Directory;
  root.permissions = 0777;
  const NodeRef made = make(root);
  made->attributes.nlink = 2;
  made->parent = kRootInode;
}

NullTree::~NullTree() = default;

Result<NullTree::NodeRef> NullTree::find(InodeId inode) const {
  const auto found = nodes_.find(inode.value());
  if (found == nodes_.end()) return fail(Errc::Stale);
  return found->second;
}

Result<NullTree::NodeRef> NullTree::find_directory(InodeId inode) const {
  COFFER_ASSIGN(NodeRef node, find(inode));
  if (node->attributes.type != FileType::Directory) return fail(Errc::NotDirectory);
  return node;
}

NullTree::NodeRef NullTree::make(const NewNode& node) {
  auto made = std::make_shared<Node>();
  Attributes& attributes = made->attributes;
  attributes.inode = InodeId{next_inode_++};
  attributes.type = node.type;
  attributes.permissions = static_cast<std::uint16_t>(node.permissions & ~node.umask);
  attributes.uid = node.uid;
  attributes.gid = node.gid;
  attributes.rdev = node.rdev;
  attributes.size = node.symlink_target.size();
  attributes.atime = attributes.mtime = attributes.ctime = attributes.btime = wall_now();
  made->target = node.symlink_target;
  nodes_.emplace(attributes.inode.value(), made);
  return made;
}

void NullTree::add_name(Node& directory, std::string_view name, const NodeRef& node) {
  const std::uint64_t cookie = directory.next_cookie++;
  directory.names[std::string(name)] = {cookie, node};
  directory.by_cookie[cookie] = std::string(name);
  if (node->attributes.type == FileType::Directory) {
    node->parent = directory.attributes.inode;
    ++directory.attributes.nlink;
  }
  directory.attributes.mtime = directory.attributes.ctime = wall_now();
}

void NullTree::remove_name(Node& directory, const std::string& name, const NodeRef& node) {
  const auto found = directory.names.find(name);
  directory.by_cookie.erase(found->second.cookie);
  directory.names.erase(found);
  if (node->attributes.type == FileType::Directory) --directory.attributes.nlink;
  directory.attributes.mtime = directory.attributes.ctime = wall_now();
}

Result<Entry> NullTree::lookup(InodeId parent, std::string_view name) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef directory, find_directory(parent));
  const auto found = directory->names.find(std::string(name));
  if (found == directory->names.end()) return fail(Errc::NotFound);
  const Attributes& attributes = found->second.node->attributes;
  return Entry{attributes.inode, attributes};
}

Result<Entry> NullTree::make_node(InodeId parent, std::string_view name, const NewNode& node) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef directory, find_directory(parent));
  if (directory->names.contains(std::string(name))) return fail(Errc::Exists);
  const NodeRef made = make(node);
  made->attributes.nlink = node.type == FileType::Directory ? 2 : 1;
  add_name(*directory, name, made);
  return Entry{made->attributes.inode, made->attributes};
}

Result<Entry> NullTree::make_unlinked(InodeId, const NewNode& node) {
  const std::unique_lock lock(mutex_);
  const NodeRef made = make(node);
  return Entry{made->attributes.inode, made->attributes};
}

Result<Entry> NullTree::link(InodeId inode, InodeId parent, std::string_view name) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef directory, find_directory(parent));
  COFFER_ASSIGN(const NodeRef node, find(inode));
  if (directory->names.contains(std::string(name))) return fail(Errc::Exists);
  ++node->attributes.nlink;
  add_name(*directory, name, node);
  return Entry{node->attributes.inode, node->attributes};
}

Result<void> NullTree::unlink(InodeId parent, std::string_view name) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef directory, find_directory(parent));
  const auto found = directory->names.find(std::string(name));
  if (found == directory->names.end()) return fail(Errc::NotFound);
  const NodeRef node = found->second.node;
  remove_name(*directory, std::string(name), node);
  --node->attributes.nlink;
  return {};
}

Result<void> NullTree::remove_directory(InodeId parent, std::string_view name) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef directory, find_directory(parent));
  const auto found = directory->names.find(std::string(name));
  if (found == directory->names.end()) return fail(Errc::NotFound);
  const NodeRef node = found->second.node;
  if (!node->names.empty()) return fail(Errc::NotEmpty);
  remove_name(*directory, std::string(name), node);
  node->attributes.nlink = 0;
  return {};
}

Result<void> NullTree::rename(const RenameRequest& request) {
  const std::unique_lock lock(mutex_);
  if (request.mode == RenameRequest::Mode::Exchange) return fail(Errc::NotSupported);
  COFFER_ASSIGN(const NodeRef from, find_directory(request.from_parent));
  COFFER_ASSIGN(const NodeRef to, find_directory(request.to_parent));
  const auto source = from->names.find(std::string(request.from_name));
  if (source == from->names.end()) return fail(Errc::NotFound);
  const NodeRef node = source->second.node;
  const auto target = to->names.find(std::string(request.to_name));
  if (target != to->names.end()) {
    if (request.mode == RenameRequest::Mode::NoReplace) return fail(Errc::Exists);
    if (target->second.node == node) return {};
    remove_name(*to, std::string(request.to_name), NodeRef(target->second.node));
  }
  remove_name(*from, std::string(request.from_name), node);
  add_name(*to, request.to_name, node);
  return {};
}

Result<std::string> NullTree::read_link(InodeId inode) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  return node->target;
}

Result<void> NullTree::read_directory(InodeId directory, std::uint64_t cookie,
                                      const std::function<bool(const DirectoryEntry&)>& sink) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find_directory(directory));
  for (auto at = node->by_cookie.upper_bound(cookie); at != node->by_cookie.end(); ++at) {
    const Attributes& attributes = node->names.at(at->second).node->attributes;
    if (!sink({at->second, attributes.inode, attributes.type, at->first})) break;
  }
  return {};
}

Result<InodeId> NullTree::parent_of(InodeId directory) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find_directory(directory));
  return node->parent;
}

Result<Attributes> NullTree::attributes(InodeId inode) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  return node->attributes;
}

Result<Attributes> NullTree::set_attributes(InodeId inode, const SetAttributes& change) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  Attributes& attributes = node->attributes;
  attributes.permissions = change.permissions.value_or(attributes.permissions);
  attributes.uid = change.uid.value_or(attributes.uid);
  attributes.gid = change.gid.value_or(attributes.gid);
  attributes.atime = change.atime.value_or(attributes.atime);
  attributes.mtime = change.mtime.value_or(attributes.mtime);
  attributes.ctime = change.ctime.value_or(wall_now());
  if (change.size) {
    const std::unique_lock bytes(node->bytes_mutex);
    if (*change.size < attributes.size) {
      const std::uint64_t blocks = (*change.size + kBlockBytes - 1) / kBlockBytes;
      if (node->blocks.size() > blocks) node->blocks.resize(blocks);
      const std::uint64_t within = *change.size % kBlockBytes;
      if (within != 0 && node->blocks.size() == blocks && node->blocks.back().size() > within)
        node->blocks.back().resize(within);
    }
    attributes.size = *change.size;
  }
  return attributes;
}

Result<std::string> NullTree::get_xattr(InodeId inode, std::string_view name) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  const auto found = node->xattrs.find(name);
  if (found == node->xattrs.end()) return fail(Errc::NoAttribute);
  return found->second;
}

Result<void> NullTree::set_xattr(InodeId inode, std::string_view name, Bytes value, XattrMode) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  node->xattrs[std::string(name)] =
      std::string(reinterpret_cast<const char*>(value.data()), value.size());
  return {};
}

Result<void> NullTree::set_acl(InodeId, AclKind, Bytes, SetGroupId) {
  return fail(Errc::NotSupported);
}

Result<void> NullTree::remove_xattr(InodeId inode, std::string_view name) {
  const std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  const auto found = node->xattrs.find(name);
  if (found == node->xattrs.end()) return fail(Errc::NoAttribute);
  node->xattrs.erase(found);
  return {};
}

Result<std::vector<std::string>> NullTree::list_xattrs(InodeId inode) {
  const std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  std::vector<std::string> names;
  for (const auto& [name, value] : node->xattrs) names.push_back(name);
  return names;
}

Result<std::size_t> NullTree::read(InodeId inode, std::uint64_t offset, MutableBytes out) {
  std::shared_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  const std::uint64_t size = node->attributes.size;
  lock.unlock();
  if (offset >= size) return std::size_t{0};
  out = out.first(std::min<std::uint64_t>(out.size(), size - offset));
  const std::shared_lock bytes(node->bytes_mutex);
  node->for_each_block(
      offset, out, [&](std::uint64_t block, std::uint64_t within, MutableBytes piece) {
        std::size_t there = 0;
        if (block < node->blocks.size() && node->blocks[block].size() > within)
          there = std::min<std::size_t>(piece.size(), node->blocks[block].size() - within);
        if (there > 0) std::memcpy(piece.data(), node->blocks[block].data() + within, there);
        std::memset(piece.data() + there, 0, piece.size() - there);
      });
  return out.size();
}

Result<void> NullTree::write(InodeId inode, std::uint64_t offset, Bytes data) {
  std::unique_lock lock(mutex_);
  COFFER_ASSIGN(const NodeRef node, find(inode));
  Attributes& attributes = node->attributes;
  attributes.size = std::max(attributes.size, offset + data.size());
  attributes.mtime = attributes.ctime = wall_now();
  lock.unlock();
  const std::unique_lock bytes(node->bytes_mutex);
  node->for_each_block(offset, data, [&](std::uint64_t block, std::uint64_t within, Bytes piece) {
    if (block >= node->blocks.size()) node->blocks.resize(block + 1);
    std::vector<std::byte>& there = node->blocks[block];
    if (there.size() < within + piece.size()) {
      if (within > 0) there.reserve(kBlockBytes);  // a stream must not copy itself
      there.resize(within + piece.size());
    }
    std::memcpy(there.data() + within, piece.data(), piece.size());
  });
  return {};
}

Result<void> NullTree::allocate(InodeId, AllocateMode, std::uint64_t, std::uint64_t) {
  return fail(Errc::NotSupported);
}

Result<std::uint64_t> NullTree::seek(InodeId, std::uint64_t, SeekTarget) {
  return fail(Errc::NotSupported);
}

Result<std::uint64_t> NullTree::copy_range(InodeId, std::uint64_t, InodeId, std::uint64_t,
                                           std::uint64_t) {
  return fail(Errc::NotSupported);
}

Result<SpaceInfo> NullTree::space() {
  const std::shared_lock lock(mutex_);
  return SpaceInfo{kPretendedBytes, kPretendedBytes, kPretendedBytes, nodes_.size(), 1U << 30};
}

void NullTree::forgotten(InodeId inode) {
  const std::unique_lock lock(mutex_);
  const auto found = nodes_.find(inode.value());
  if (found != nodes_.end() && found->second->attributes.nlink == 0) nodes_.erase(found);
}

}  // namespace coffer::bench
