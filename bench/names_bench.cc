// What do the mount's own lookups cost: known inodes, attributes, names that are not there, listings, handles?

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "coffer/vault/vault.h"
#include "fuse/inode_table.h"

namespace coffer {
namespace {

constexpr std::uint64_t kHot = 1'000;  // what fits the processor's caches

/// Walks all of [0, count) in an order that is no help to a prefetcher. @pre count is odd or a power of two times an odd
class Walk {
 public:
  Walk(std::uint64_t count, int thread)
      : count_(count), at_(static_cast<std::uint64_t>(thread) * count / 2) {}
  std::uint64_t next() {
    at_ += kStride;
    if (at_ >= count_) at_ %= count_;
    return at_;
  }

 private:
  static constexpr std::uint64_t kStride = 7919;
  std::uint64_t count_, at_;
};

// ---- the table of inodes that the kernel knows

std::unique_ptr<fuse::InodeTable> table;

void fill_table(const benchmark::State& state) {
  table = std::make_unique<fuse::InodeTable>();
  for (std::int64_t i = 0; i < state.range(0); ++i)
    table->add_lookups(InodeId(static_cast<std::uint64_t>(i) + 2));
}
void drop_table(const benchmark::State& /*state*/) { table.reset(); }

void inode_lookup(benchmark::State& state) {
  Walk walk(static_cast<std::uint64_t>(state.range(0)), state.thread_index());
  for (auto _ : state) {
    if (!table->known(InodeId(walk.next() + 2))) state.SkipWithError("a known inode is not");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(inode_lookup)
    ->Setup(fill_table)
    ->Teardown(drop_table)
    ->Arg(kHot)
    ->Arg(1'000'000)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

/// An open and a close, while that many others are open.
void handle_open_close(benchmark::State& state) {
  const auto count = static_cast<std::uint64_t>(state.range(0));
  Walk walk(count, state.thread_index());
  for (auto _ : state) {
    const InodeId inode(walk.next() + 2);
    table->opened(inode, fuse::Access::Write);
    if (table->closed(inode, fuse::Access::Write) != fuse::Remains::InUse)
      state.SkipWithError("an open inode is unused");
  }
  state.SetItemsProcessed(2 * state.iterations());
}
void open_handles(const benchmark::State& state) {
  table = std::make_unique<fuse::InodeTable>();
  for (std::int64_t i = 0; i < state.range(0); ++i)
    table->opened(InodeId(static_cast<std::uint64_t>(i) + 2), fuse::Access::Read);
}
BENCHMARK(handle_open_close)
    ->Setup(open_handles)
    ->Teardown(drop_table)
    ->Arg(100'000)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

// ---- the tree of a vault of its own, on the disk that TMPDIR names

class OpenVault {
 public:
  explicit OpenVault(std::int64_t files) {
    std::string root = (std::filesystem::temp_directory_path() / "coffer-names-XXXXXX").string();
    root_ = ::mkdtemp(root.data());
    InitOptions init;
    init.volumes = {(root_ / "volume").string()};
    init.kdf_cost = kKdfCostMinimum;
    const Credential credential{SlotKind::Passphrase, SecretString("for a benchmark")};
    if (!Vault::init(init, credential)) std::abort();
    OpenOptions open;
    open.volume = init.volumes.front();
    open.state_directory = (root_ / "state").string();
    vault_ = std::move(Vault::open(open, credential)).value();
    NewNode node;
    node.type = FileType::Directory;
    directory = tree().make_node(kRootInode, "directory", node).value().inode;
    node.type = FileType::Regular;
    for (std::int64_t i = 0; i < files; ++i)
      inodes.push_back(
          tree().make_node(directory, "file-" + std::to_string(i), node).value().inode);
  }
  ~OpenVault() {
    if (!vault_->close()) std::abort();
    vault_.reset();
    std::filesystem::remove_all(root_);
  }
  OpenVault(const OpenVault&) = delete;
  OpenVault& operator=(const OpenVault&) = delete;
  Tree& tree() { return vault_->tree(); }

  InodeId directory;
  std::vector<InodeId> inodes;

 private:
  std::filesystem::path root_;
  std::unique_ptr<Vault> vault_;
};

std::unique_ptr<OpenVault> vault;
void open_vault(const benchmark::State& state) {
  vault = std::make_unique<OpenVault>(state.range(0));
}
void close_vault(const benchmark::State& /*state*/) { vault.reset(); }

void attribute_hit(benchmark::State& state) {
  Walk walk(vault->inodes.size(), state.thread_index());
  for (auto _ : state) {
    const InodeId inode = vault->inodes[walk.next()];
    const auto attributes = vault->tree().attributes(inode);
    if (!attributes || attributes->inode != inode) state.SkipWithError("wrong attributes");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(attribute_hit)
    ->Setup(open_vault)
    ->Teardown(close_vault)
    ->Arg(kHot)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

void lookup_names(benchmark::State& state, const std::string& prefix, bool there) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < state.range(0); ++i) names.push_back(prefix + std::to_string(i));
  Walk walk(names.size(), state.thread_index());
  for (const std::string& name : names)
    if (vault->tree().lookup(vault->directory, name).has_value() != there)
      state.SkipWithError("lookup");
  for (auto _ : state) {
    const auto found = vault->tree().lookup(vault->directory, names[walk.next()]);
    if (found.has_value() != there) state.SkipWithError("lookup");
  }
  state.SetItemsProcessed(state.iterations());
}
void name_hit(benchmark::State& state) { lookup_names(state, "file-", true); }
void negative_hit(benchmark::State& state) { lookup_names(state, "absent-", false); }
BENCHMARK(name_hit)
    ->Setup(open_vault)
    ->Teardown(close_vault)
    ->Arg(kHot)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();
BENCHMARK(negative_hit)
    ->Setup(open_vault)
    ->Teardown(close_vault)
    ->Arg(kHot)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

/// A name that nobody asked for before: what every creation begins with.
void negative_first(benchmark::State& state) {
  std::uint64_t next = 0;
  std::string name;
  for (auto _ : state) {
    name = "new-" + std::to_string(next++);
    if (vault->tree().lookup(vault->directory, name)) state.SkipWithError("there");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(negative_first)->Setup(open_vault)->Teardown(close_vault)->Arg(kHot);

/// Entries and their attributes, as a READDIRPLUS wants them.
void listing(benchmark::State& state) {
  std::vector<InodeId> listed;
  for (auto _ : state) {
    listed.clear();
    const auto done =
        vault->tree().read_directory(vault->directory, 0, [&](const DirectoryEntry& entry) {
          listed.push_back(entry.inode);
          return true;
        });
    if (!done || listed.size() != vault->inodes.size()) state.SkipWithError("listing");
    for (const InodeId inode : listed)
      if (!vault->tree().attributes(inode)) state.SkipWithError("attributes");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(listing)
    ->Setup(open_vault)
    ->Teardown(close_vault)
    ->Arg(50)
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

}  // namespace
}  // namespace coffer

BENCHMARK_MAIN();
