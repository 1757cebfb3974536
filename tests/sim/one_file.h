#pragma once
/// What tests of single faults need of a vault: a file, its bytes, and whether fsck finds anything.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/sim/simulated_machine.h"

namespace coffer::sim {

inline std::string pattern(std::size_t size, char first) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(first + i / 7 % 13);
  return bytes;
}

inline InodeId make_file(Tree& tree, std::string_view name) {
  const auto made = tree.make_node(kRootInode, name, NewNode{});
  EXPECT_TRUE(made) << made.error().context;
  return made ? made->inode : InodeId{};
}

inline std::string read_back(Tree& tree, InodeId inode, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const auto got = tree.read(inode, offset, {reinterpret_cast<std::byte*>(bytes.data()), size});
  if (!got) return "<" + std::string(to_string(got.error().code)) + ">";
  bytes.resize(*got);
  return bytes;
}

inline void expect_clean(VaultService& vault) {
  const auto report = vault.fsck({});
  ASSERT_TRUE(report) << report.error().context;
  for (const std::string& problem : report->problems) ADD_FAILURE() << "fsck: " << problem;
}

/// A vault that was closed in order, with one synced file in it.
inline InodeId leave_one_file(SimulatedMachine& machine, std::string_view content) {
  auto vault = machine.open();
  EXPECT_TRUE(vault) << vault.error().context;
  if (!vault) return {};
  Tree& tree = (*vault)->tree();
  const InodeId file = make_file(tree, "file");
  EXPECT_TRUE(tree.write(file, 0, as_bytes(content)));
  EXPECT_TRUE(tree.sync_file(file));
  EXPECT_TRUE((*vault)->close());
  return file;
}

}  // namespace coffer::sim
