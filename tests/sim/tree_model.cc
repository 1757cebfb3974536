#include "tests/sim/tree_model.h"

#include <functional>

namespace coffer::sim {
namespace {
constexpr std::string_view kBucket = "bucket";

void read_into(Tree& tree, InodeId directory, const std::string& prefix, TreeState& state) {
  struct Child {
    std::string name;
    InodeId inode;
    FileType type;
  };
  std::vector<Child> children;
  const auto listed = tree.read_directory(directory, 0, [&](const DirectoryEntry& entry) {
    children.push_back({std::string(entry.name), entry.inode, entry.type});
    return true;
  });
  if (!listed) state[prefix + "<listing>"] = "<" + listed.error().context + ">";
  for (const Child& child : children) {
    if (child.type == FileType::Directory) {
      state[prefix + child.name + "/"] = "";
      read_into(tree, child.inode, prefix + child.name + "/", state);
      continue;
    }
    std::string& content = state[prefix + child.name];
    const auto attributes = tree.attributes(child.inode);
    if (!attributes) {
      content = "<" + attributes.error().context + ">";
      continue;
    }
    content.resize(attributes->size);
    const auto got =
        tree.read(child.inode, 0, {reinterpret_cast<std::byte*>(content.data()), content.size()});
    if (!got)
      content = "<" + std::string(to_string(got.error().code)) + ": " + got.error().context + ">";
    else if (*got != content.size())
      content = "<short read>";
  }
}
}  // namespace

TreeState read_tree(Tree& tree) {
  TreeState state;
  read_into(tree, kRootInode, "", state);
  return state;
}

std::pair<std::string, std::string> Workload::split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<InodeId> Workload::resolve(Tree& tree, const std::string& path) {
  InodeId at = kRootInode;
  std::size_t from = 0;
  while (from < path.size()) {
    const std::size_t slash = path.find('/', from);
    const std::string name = path.substr(from, slash == std::string::npos ? slash : slash - from);
    COFFER_ASSIGN(const Entry entry, tree.lookup(at, name));
    at = entry.inode;
    if (slash == std::string::npos) break;
    from = slash + 1;
  }
  return at;
}

std::string Workload::random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>('a' + random_() % 26);
  return bytes;
}

std::string Workload::fresh_name() { return "n" + std::to_string(++names_); }

std::optional<std::string> Workload::any_file() {
  std::vector<std::string> files;
  for (const auto& [path, content] : states_.back()) {
    if (path.back() != '/' && !path.starts_with(kBucket)) files.push_back(path);
  }
  if (files.empty()) return std::nullopt;
  return files[random_() % files.size()];
}

std::string Workload::any_directory() {
  std::vector<std::string> directories{""};
  for (const auto& [path, content] : states_.back()) {
    if (path.back() == '/' && !path.starts_with(kBucket)) directories.push_back(path);
  }
  return directories[random_() % directories.size()];
}

bool Workload::done(Result<void> result) {
  if (!result) return false;
  if (under_way_) states_.push_back(std::move(*under_way_));
  under_way_.reset();
  return true;
}

bool Workload::step(VaultService& vault) {
  switch (random_() % 12) {
    case 0:
    case 1:
    case 2:
      return write_file(vault);
    case 3:
    case 4:
      return overwrite(vault);
    case 5:
      return truncate(vault);
    case 6:
      return rename(vault);
    case 7:
      return remove(vault);
    case 8:
      return make_directory(vault);
    case 9:
    case 10:
      return put_object(vault);
    default:
      return sync(vault);
  }
}

bool Workload::write_file(VaultService& vault) {
  Tree& tree = vault.tree();
  const std::string directory = any_directory();
  const std::string path = directory + fresh_name();
  const auto parent = resolve(tree, directory);
  if (!parent) return false;
  under_way_ = states_.back();
  (*under_way_)[path] = "";
  const auto made = tree.make_node(*parent, split(path).second, NewNode{});
  if (!made || !done({})) return false;
  const std::size_t sizes[] = {0, 1, 300, 4096, 40'000, 200'000, 700'000};
  const std::string content = random_bytes(sizes[random_() % 7]);
  if (!tree.write(made->inode, 0, as_bytes(content))) return false;
  under_way_ = states_.back();
  (*under_way_)[path] = content;
  if (random_() % 3 == 0) {
    if (!done(tree.sync_file(made->inode))) return false;
    synced_ = states_.size() - 1;
    return true;
  }
  return done(tree.commit_file(made->inode));
}

bool Workload::overwrite(VaultService& vault) {
  Tree& tree = vault.tree();
  const auto path = any_file();
  if (!path) return true;
  const auto inode = resolve(tree, *path);
  if (!inode) return false;
  std::string content = states_.back().at(*path);
  const std::size_t offset = random_() % (content.size() + 1000);
  const std::string piece = random_bytes(1 + random_() % (random_() % 2 == 0 ? 5'000 : 150'000));
  if (!tree.write(*inode, offset, as_bytes(piece))) return false;
  if (content.size() < offset + piece.size()) content.resize(offset + piece.size(), '\0');
  content.replace(offset, piece.size(), piece);
  under_way_ = states_.back();
  (*under_way_)[*path] = content;
  if (random_() % 3 == 0) {
    if (!done(tree.sync_file(*inode))) return false;
    synced_ = states_.size() - 1;
    return true;
  }
  return done(tree.commit_file(*inode));
}

bool Workload::truncate(VaultService& vault) {
  Tree& tree = vault.tree();
  const auto path = any_file();
  if (!path) return true;
  const auto inode = resolve(tree, *path);
  if (!inode) return false;
  std::string content = states_.back().at(*path);
  content.resize(random_() % (content.size() + 20'000), '\0');
  under_way_ = states_.back();
  (*under_way_)[*path] = content;
  SetAttributes change;
  change.size = content.size();
  const auto changed = tree.set_attributes(*inode, change);
  return changed && done({});
}

bool Workload::rename(VaultService& vault) {
  Tree& tree = vault.tree();
  const auto from = any_file();
  if (!from) return true;
  const auto other = any_file();
  const std::string to = random_() % 2 == 0 ? *other : any_directory() + fresh_name();
  if (to == *from) return true;
  const auto from_parent = resolve(tree, split(*from).first);
  const auto to_parent = resolve(tree, split(to).first);
  if (!from_parent || !to_parent) return false;
  under_way_ = states_.back();
  (*under_way_)[to] = under_way_->at(*from);
  under_way_->erase(*from);
  const std::string from_name = split(*from).second;
  const std::string to_name = split(to).second;
  return done(
      tree.rename({*from_parent, from_name, *to_parent, to_name, RenameRequest::Mode::Replace}));
}

bool Workload::remove(VaultService& vault) {
  Tree& tree = vault.tree();
  const auto path = any_file();
  if (!path) return true;
  const auto parent = resolve(tree, split(*path).first);
  if (!parent) return false;
  under_way_ = states_.back();
  under_way_->erase(*path);
  return done(tree.unlink(*parent, split(*path).second));
}

bool Workload::make_directory(VaultService& vault) {
  Tree& tree = vault.tree();
  const std::string directory = any_directory();
  const auto parent = resolve(tree, directory);
  if (!parent) return false;
  const std::string name = fresh_name();
  under_way_ = states_.back();
  (*under_way_)[directory + name + "/"] = "";
  NewNode node;
  node.type = FileType::Directory;
  node.permissions = 0755;
  const auto made = tree.make_node(*parent, name, node);
  return made && done({});
}

bool Workload::put_object(VaultService& vault) {
  Objects& objects = vault.objects();
  const std::string bucket(kBucket);
  if (!states_.back().contains(bucket + "/")) {
    under_way_ = states_.back();
    (*under_way_)[bucket + "/"] = "";
    if (!done(objects.create_bucket(bucket, Durability::Synced, {}))) return false;
    synced_ = states_.size() - 1;
  }
  const std::string key = "o" + std::to_string(random_() % 5);
  const std::string content =
      random_bytes(random_() % 2 == 0 ? random_() % 3000 : random_() % 300'000);
  auto writer = objects.begin_put(bucket, key);
  if (!writer || !(*writer)->write(as_bytes(content))) return false;
  under_way_ = states_.back();
  (*under_way_)[bucket + "/" + key] = content;
  ObjectMetadata metadata;
  metadata.etag = "0123456789abcdef0123456789abcdef";
  const auto put = (*writer)->commit(metadata, {}, Durability::Synced);
  if (!put || !done({})) return false;
  synced_ = states_.size() - 1;
  return true;
}

bool Workload::sync(VaultService& vault) {
  if (!vault.tree().sync_all()) return false;
  synced_ = states_.size() - 1;
  return true;
}

}  // namespace coffer::sim
