#pragma once
/// MemoryTree: the files and names of one simulated disk, as running programs see them and as they
/// are on the medium, with the changes of names that are on their way there.
///
/// Each change of names (create, link, rename, remove, mkdir, rmdir) is one atomic entry of a log
/// until its directory is synced. A power cut keeps a subset of the log: an entry is kept only with
/// all earlier ones that it rests on (same name, same file; what was in a removed directory), so a
/// rename or link leaves the old name or the new, never neither, as journalling file systems
/// promise, and no more than that.
///
/// A value: copying it copies the disk. Not synchronised.
/// Errors    those of Linux: NotFound, Exists, Permission (link of a directory), NotDirectory, IsDirectory, NotEmpty, InvalidArgument (a path that
/// leads out).

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/core/error.h"
#include "vault/volume/memory_file.h"
#include "vault/volume/volume.h"

namespace coffer {

class MemoryTree {
 public:
  using NodeId = std::uint64_t;
  using Random = MemoryFile::Random;

  MemoryTree();

  Result<NodeId> create(std::string_view path, FileArea::Create mode);
  Result<NodeId> find_file(std::string_view path) const;
  Result<void> rename(std::string_view from, std::string_view to);
  Result<void> link(std::string_view from, std::string_view to);
  Result<void> remove(std::string_view path);
  Result<void> make_directory(std::string_view path);  // parents too
  Result<void> remove_directory(std::string_view path);
  Result<std::vector<AreaEntry>> list(std::string_view path) const;
  /// All files, by path.
  [[nodiscard]] std::vector<std::string> paths() const;

  Result<void> sync_directory(std::string_view path);
  /// Makes one path durable, its directories included, and nothing that it does not rest on.
  void sync_name(std::string_view path);

  [[nodiscard]] const MemoryFile& file(NodeId id) const { return nodes_.at(id).file; }
  void write(NodeId id, std::uint64_t at, Bytes bytes);
  void truncate(NodeId id);
  void reserve(NodeId id, std::uint64_t bytes);
  void replace(NodeId id, std::string content);
  void sync(NodeId id) { nodes_.at(id).file.sync(); }
  void fail_sync(NodeId id) { nodes_.at(id).file.fail_sync(); }

  /// An open handle keeps an unlinked file.
  void retain(NodeId id) { ++nodes_.at(id).handles; }
  void release(NodeId id);

  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }

  void power_cut(Random& random);
  void drop_handles();
  void evict();

 private:
  struct Node {
    bool directory = false;
    std::uint32_t links = 0;
    std::uint32_t handles = 0;
    MemoryFile file;
    std::map<std::string, NodeId, std::less<>> names;          // as programs see it
    std::map<std::string, NodeId, std::less<>> durable_names;  // as the medium has it
  };
  struct Edit {
    NodeId directory;
    std::string name;
    NodeId to;  // 0: no such name
  };
  struct NameChange {
    std::vector<Edit> edits;    // atomic together
    std::vector<NodeId> nodes;  // that gain or lose a name
    NodeId removed_directory = 0;
  };
  struct Place {
    NodeId directory;
    std::string name;
  };
  using Key = std::pair<NodeId, std::string>;

  Result<NodeId> find(std::string_view path) const;
  Result<Place> place_of(std::string_view path) const;
  [[nodiscard]] NodeId lookup(const Place& place) const;  // 0: none
  NodeId add_node(bool directory);

  void change(NameChange change);
  void set_name(const Edit& edit);
  void commit(const NameChange& change);
  void commit_needed(std::set<Key> needed);
  static std::set<Key> provides(const NameChange& change);
  static std::set<Key> rests_on(const NameChange& change);
  void cut_names(Random& random);
  void recount();
  void collect();

  static constexpr NodeId kRoot = 1;
  static constexpr std::size_t kLogMax = 4096;  // the kernel writes old changes back by itself

  std::map<NodeId, Node> nodes_;
  NodeId next_ = kRoot + 1;
  std::deque<NameChange> log_;
  std::uint64_t used_bytes_ = 0;
  std::size_t removed_since_collect_ = 0;
};

}  // namespace coffer
