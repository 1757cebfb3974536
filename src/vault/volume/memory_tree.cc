#include "vault/volume/memory_tree.h"

#include <algorithm>

#include "vault/volume/posix_io.h"

namespace coffer {

MemoryTree::MemoryTree() { nodes_[kRoot].directory = true; }

MemoryTree::NodeId MemoryTree::add_node(bool directory) {
  nodes_[next_].directory = directory;
  return next_++;
}

Result<MemoryTree::NodeId> MemoryTree::find(std::string_view path) const {
  NodeId at = kRoot;
  if (path.empty()) return at;
  COFFER_TRY(posix::check_relative_path(path));
  while (true) {
    const Node& node = nodes_.at(at);
    if (!node.directory) return fail(Errc::NotDirectory, std::string(path));
    const std::size_t slash = path.find('/');
    const auto found = node.names.find(path.substr(0, slash));
    if (found == node.names.end()) return fail(Errc::NotFound, std::string(path));
    at = found->second;
    if (slash == std::string_view::npos) return at;
    path.remove_prefix(slash + 1);
  }
}

Result<MemoryTree::Place> MemoryTree::place_of(std::string_view path) const {
  COFFER_TRY(posix::check_relative_path(path));
  const std::size_t slash = path.rfind('/');
  const bool in_root = slash == std::string_view::npos;
  COFFER_ASSIGN(const NodeId directory, find(in_root ? std::string_view{} : path.substr(0, slash)));
  if (!nodes_.at(directory).directory) return fail(Errc::NotDirectory, std::string(path));
  return Place{directory, std::string(in_root ? path : path.substr(slash + 1))};
}

MemoryTree::NodeId MemoryTree::lookup(const Place& place) const {
  const auto& names = nodes_.at(place.directory).names;
  const auto found = names.find(place.name);
  return found == names.end() ? 0 : found->second;
}

Result<MemoryTree::NodeId> MemoryTree::find_file(std::string_view path) const {
  COFFER_TRY(posix::check_relative_path(path));
  COFFER_ASSIGN(const NodeId id, find(path));
  if (nodes_.at(id).directory) return fail(Errc::IsDirectory, std::string(path));
  return id;
}

Result<MemoryTree::NodeId> MemoryTree::create(std::string_view path, FileArea::Create mode) {
  COFFER_ASSIGN(const Place place, place_of(path));
  if (const NodeId there = lookup(place); there != 0) {
    if (mode == FileArea::Create::Exclusive) return fail(Errc::Exists, std::string(path));
    if (nodes_.at(there).directory) return fail(Errc::IsDirectory, std::string(path));
    truncate(there);
    return there;
  }
  const NodeId id = add_node(false);
  change({{{place.directory, place.name, id}}, {id}});
  return id;
}

Result<void> MemoryTree::rename(std::string_view from, std::string_view to) {
  COFFER_ASSIGN(const Place source, place_of(from));
  COFFER_ASSIGN(const Place target, place_of(to));
  const NodeId moved = lookup(source);
  const NodeId replaced = lookup(target);
  if (moved == 0) return fail(Errc::NotFound, std::string(from));
  const auto is_inside = [](std::string_view inner, std::string_view outer) {
    return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '/';
  };
  if (is_inside(to, from)) return fail(Errc::InvalidArgument, "a directory into itself");
  if (is_inside(from, to)) return fail(Errc::NotEmpty, std::string(to));
  if (moved == replaced) return {};
  NameChange renamed{{{source.directory, source.name, 0}, {target.directory, target.name, moved}},
                     {moved}};
  if (replaced != 0) {
    const Node& node = nodes_.at(replaced);
    if (node.directory && !nodes_.at(moved).directory) {
      return fail(Errc::IsDirectory, std::string(to));
    }
    if (!node.directory && nodes_.at(moved).directory) {
      return fail(Errc::NotDirectory, std::string(to));
    }
    if (!node.names.empty()) return fail(Errc::NotEmpty, std::string(to));
    renamed.nodes.push_back(replaced);
    if (node.directory) renamed.removed_directory = replaced;
  }
  change(std::move(renamed));
  return {};
}

Result<void> MemoryTree::link(std::string_view from, std::string_view to) {
  COFFER_TRY(posix::check_relative_path(from));
  COFFER_ASSIGN(const NodeId id, find(from));
  COFFER_ASSIGN(const Place target, place_of(to));
  if (lookup(target) != 0) return fail(Errc::Exists, std::string(to));
  if (nodes_.at(id).directory) return fail(Errc::Permission, "hard link to a directory");
  change({{{target.directory, target.name, id}}, {id}});
  return {};
}

Result<void> MemoryTree::remove(std::string_view path) {
  COFFER_ASSIGN(const NodeId id, find_file(path));
  COFFER_ASSIGN(const Place place, place_of(path));
  change({{{place.directory, place.name, 0}}, {id}});
  return {};
}

Result<void> MemoryTree::make_directory(std::string_view path) {
  COFFER_TRY(posix::check_relative_path(path));
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    COFFER_ASSIGN(const Place place, place_of(path.substr(0, slash)));
    const NodeId there = lookup(place);
    if (there == 0) {
      const NodeId id = add_node(true);
      change({{{place.directory, place.name, id}}, {id}});
    } else if (!nodes_.at(there).directory) {
      return fail(Errc::NotDirectory, std::string(path));
    }
    if (slash == std::string_view::npos) return {};
  }
}

Result<void> MemoryTree::remove_directory(std::string_view path) {
  COFFER_ASSIGN(const Place place, place_of(path));
  const NodeId id = lookup(place);
  if (id == 0) return fail(Errc::NotFound, std::string(path));
  if (!nodes_.at(id).directory) return fail(Errc::NotDirectory, std::string(path));
  if (!nodes_.at(id).names.empty()) return fail(Errc::NotEmpty, std::string(path));
  change({{{place.directory, place.name, 0}}, {id}, id});
  return {};
}

Result<std::vector<AreaEntry>> MemoryTree::list(std::string_view path) const {
  COFFER_ASSIGN(const NodeId id, find(path));
  const Node& node = nodes_.at(id);
  if (!node.directory) return fail(Errc::NotDirectory, std::string(path));
  std::vector<AreaEntry> entries;
  for (const auto& [name, child] : node.names) {
    const Node& entry = nodes_.at(child);
    entries.push_back({name, entry.directory, ByteCount(entry.directory ? 0 : entry.file.size())});
  }
  return entries;
}

std::vector<std::string> MemoryTree::paths() const {
  std::vector<std::string> found;
  std::vector<std::pair<std::string, NodeId>> left{{"", kRoot}};
  while (!left.empty()) {
    const auto [prefix, id] = std::move(left.back());
    left.pop_back();
    for (const auto& [name, child] : nodes_.at(id).names) {
      if (nodes_.at(child).directory)
        left.emplace_back(prefix + name + "/", child);
      else
        found.push_back(prefix + name);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<void> MemoryTree::sync_directory(std::string_view path) {
  COFFER_ASSIGN(const NodeId id, find(path));
  if (!nodes_.at(id).directory) return fail(Errc::NotDirectory, std::string(path));
  commit_needed({{id, "/"}});
  return {};
}

void MemoryTree::sync_name(std::string_view path) {
  std::set<Key> needed;
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    if (const auto place = place_of(path.substr(0, slash))) {
      needed.emplace(place->directory, place->name);
    }
    if (slash == std::string_view::npos) break;
  }
  commit_needed(std::move(needed));
}

void MemoryTree::write(NodeId id, std::uint64_t at, Bytes bytes) {
  Node& node = nodes_.at(id);
  const std::uint64_t before = node.file.allocated();
  node.file.write(at, bytes);
  if (node.links > 0) used_bytes_ += node.file.allocated() - before;
}

void MemoryTree::truncate(NodeId id) {
  Node& node = nodes_.at(id);
  const std::uint64_t before = node.file.allocated();
  node.file.truncate();
  if (node.links > 0) used_bytes_ -= before - node.file.allocated();
}

void MemoryTree::reserve(NodeId id, std::uint64_t bytes) {
  Node& node = nodes_.at(id);
  const std::uint64_t before = node.file.allocated();
  node.file.reserve(bytes);
  if (node.links > 0) used_bytes_ += node.file.allocated() - before;
}

void MemoryTree::replace(NodeId id, std::string content) {
  nodes_.at(id).file.replace(std::move(content));
  recount();
}

void MemoryTree::release(NodeId id) {
  --nodes_.at(id).handles;
  if (nodes_.at(id).handles == 0 && nodes_.at(id).links == 0) ++removed_since_collect_;
}

void MemoryTree::change(NameChange change) {
  for (const Edit& edit : change.edits) set_name(edit);
  log_.push_back(std::move(change));
  if (log_.size() > kLogMax) {
    commit(log_.front());
    log_.pop_front();
  }
  if (removed_since_collect_ > 64) collect();
}

/// One edit of the names that programs see, with the count of links and space.
void MemoryTree::set_name(const Edit& edit) {
  auto& names = nodes_.at(edit.directory).names;
  if (const auto old = names.find(edit.name); old != names.end()) {
    Node& node = nodes_.at(old->second);
    if (--node.links == 0) {
      used_bytes_ -= node.file.allocated();
      ++removed_since_collect_;
    }
    names.erase(old);
  }
  if (edit.to == 0) return;
  names.emplace(edit.name, edit.to);
  Node& node = nodes_.at(edit.to);
  if (node.links++ == 0) used_bytes_ += node.file.allocated();
}

void MemoryTree::commit(const NameChange& change) {
  for (const Edit& edit : change.edits) {
    auto& names = nodes_.at(edit.directory).durable_names;
    if (edit.to == 0)
      names.erase(edit.name);
    else
      names[edit.name] = edit.to;
  }
}

/// What later changes may rest on: its names, its files, and that it happened in a directory.
std::set<MemoryTree::Key> MemoryTree::provides(const NameChange& change) {
  std::set<Key> keys;
  for (const Edit& edit : change.edits) {
    keys.emplace(edit.directory, edit.name);
    keys.emplace(edit.directory, "/");
  }
  for (const NodeId node : change.nodes) keys.emplace(node, "");
  return keys;
}

std::set<MemoryTree::Key> MemoryTree::rests_on(const NameChange& change) {
  std::set<Key> keys;
  for (const Edit& edit : change.edits) keys.emplace(edit.directory, edit.name);
  for (const NodeId node : change.nodes) keys.emplace(node, "");
  if (change.removed_directory != 0) keys.emplace(change.removed_directory, "/");
  return keys;
}

/// Writes the changes that provide one of `needed` to the medium, and all that these rest on.
void MemoryTree::commit_needed(std::set<Key> needed) {
  std::vector<bool> wanted(log_.size(), false);
  for (std::size_t i = log_.size(); i-- > 0;) {
    const std::set<Key> given = provides(log_[i]);
    wanted[i] = std::any_of(given.begin(), given.end(),
                            [&needed](const Key& key) { return needed.contains(key); });
    if (wanted[i]) needed.merge(rests_on(log_[i]));
  }
  std::deque<NameChange> left;
  for (std::size_t i = 0; i < log_.size(); ++i) {
    if (wanted[i])
      commit(log_[i]);
    else
      left.push_back(std::move(log_[i]));
  }
  log_ = std::move(left);
}

void MemoryTree::cut_names(Random& random) {
  if (random() % 3 == 0) {  // as a journal in order would
    const std::size_t kept = random() % (log_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) commit(log_[i]);
  } else {
    const std::uint64_t kept_of_eight = random() % 9;
    std::set<Key> dropped;
    for (const NameChange& change : log_) {
      const std::set<Key> base = rests_on(change);
      const bool possible = std::none_of(
          base.begin(), base.end(), [&dropped](const Key& key) { return dropped.contains(key); });
      if (random() % 8 < kept_of_eight && possible)
        commit(change);
      else
        dropped.merge(provides(change));
    }
  }
  log_.clear();
  for (auto& [id, node] : nodes_) node.names = node.durable_names;
}

void MemoryTree::power_cut(Random& random) {
  cut_names(random);
  std::set<NodeId> reached{kRoot};
  std::vector<NodeId> left{kRoot};
  while (!left.empty()) {
    const NodeId id = left.back();
    left.pop_back();
    for (const auto& [name, child] : nodes_.at(id).names) {
      if (reached.insert(child).second) left.push_back(child);
    }
  }
  std::erase_if(nodes_, [&reached](const auto& entry) { return !reached.contains(entry.first); });
  for (auto& [id, node] : nodes_) {
    node.handles = 0;
    node.file.power_cut(random);
  }
  recount();
}

void MemoryTree::drop_handles() {
  for (auto& [id, node] : nodes_) node.handles = 0;
  collect();
}

void MemoryTree::evict() {
  for (auto& [id, node] : nodes_) node.file.evict();
}

void MemoryTree::recount() {
  for (auto& [id, node] : nodes_) node.links = 0;
  for (const auto& [id, node] : nodes_) {
    for (const auto& [name, child] : node.names) ++nodes_.at(child).links;
  }
  used_bytes_ = 0;
  for (const auto& [id, node] : nodes_) {
    if (node.links > 0) used_bytes_ += node.file.allocated();
  }
}

/// Frees what no name, no handle, nothing on the medium and nothing in the log refers to.
void MemoryTree::collect() {
  std::set<NodeId> used{kRoot};
  for (const auto& [id, node] : nodes_) {
    if (node.handles > 0) used.insert(id);
    for (const auto& [name, child] : node.names) used.insert(child);
    for (const auto& [name, child] : node.durable_names) used.insert(child);
  }
  for (const NameChange& change : log_) {
    used.insert(change.nodes.begin(), change.nodes.end());
    for (const Edit& edit : change.edits) used.insert(edit.directory);
  }
  std::erase_if(nodes_, [&used](const auto& entry) { return !used.contains(entry.first); });
  removed_since_collect_ = 0;
}

}  // namespace coffer
