#pragma once
/// Files that are overwritten, cut, punched, copied into each other and removed at random, with their contents in memory beside.

#include <map>
#include <random>
#include <string>

#include "vault/vault_service.h"

namespace coffer::sim {

class FileModel {
 public:
  FileModel(VaultService& vault, std::uint64_t seed) : vault_(&vault), random_(seed) {}

  /// One random operation on one of `files` files; false when the vault failed.
  bool step();
  /// The same vault, opened again.
  void moved_to(VaultService& vault) { vault_ = &vault; }
  /// What differs; empty if nothing does.
  [[nodiscard]] std::string difference();
  [[nodiscard]] std::uint64_t bytes() const;

  unsigned files = 8;
  std::size_t largest = 400'000;

 private:
  struct File {
    InodeId inode;
    std::string content;
  };
  bool make(const std::string& name);
  bool overwrite(File& file);
  bool cut(File& file);
  bool punch(File& file);
  bool copy(File& from, File& to);
  bool put_in_parts(const std::string& name);
  bool remove(const std::string& name);
  std::string random_bytes(std::size_t size);

  VaultService* vault_;
  std::mt19937_64 random_;
  std::map<std::string, File> files_;
};

}  // namespace coffer::sim
