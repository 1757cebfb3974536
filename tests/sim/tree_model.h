#pragma once
/// A workload on the tree with a plain model beside it: after each operation the model keeps the whole state, so that what a crash
/// left can be compared with every prefix.

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "vault/vault_service.h"

namespace coffer::sim {

/// path → content of every committed file, path + "/" → "" for directories.
using TreeState = std::map<std::string, std::string>;

/// Reads the whole tree back. Errors are put into the content, so that a comparison shows them.
TreeState read_tree(Tree& tree);

class Workload {
 public:
  explicit Workload(std::uint64_t seed) : random_(seed) {}

  /// One random operation. False when it failed (the machine stopped): then the tree may or may not show it.
  bool step(VaultService& vault);

  /// States after 0, 1, 2, … operations that changed what is committed.
  [[nodiscard]] const std::vector<TreeState>& states() const { return states_; }
  /// Index into states(): everything up to it was synced by an answered call.
  [[nodiscard]] std::size_t synced() const { return synced_; }
  /// The state that an operation under way at the crash would have led to.
  [[nodiscard]] const std::optional<TreeState>& under_way() const { return under_way_; }

 private:
  bool write_file(VaultService& vault);
  bool overwrite(VaultService& vault);
  bool truncate(VaultService& vault);
  bool rename(VaultService& vault);
  bool remove(VaultService& vault);
  bool make_directory(VaultService& vault);
  bool put_object(VaultService& vault);
  bool sync(VaultService& vault);
  bool done(Result<void> result);

  std::string random_bytes(std::size_t size);
  std::string fresh_name();
  std::optional<std::string> any_file();
  /// The inode of a path and of its directory.
  static Result<InodeId> resolve(Tree& tree, const std::string& path);
  static std::pair<std::string, std::string> split(const std::string& path);
  std::string any_directory();

  std::mt19937_64 random_;
  std::vector<TreeState> states_{TreeState{}};
  std::size_t synced_ = 0;
  std::optional<TreeState> under_way_;
  unsigned names_ = 0;
};

}  // namespace coffer::sim
