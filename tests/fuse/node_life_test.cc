/// nlookup and open counts are exactly the kernel's, whatever it asks for, in whatever order, and whether the replies arrive.

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <random>
#include <set>

#include "tests/fuse/simulated_kernel.h"

namespace coffer::fuse {
namespace {

using namespace testing;

constexpr std::uint64_t kRoot = 1;

std::uint64_t seed_of_test() {
  const char* const given = std::getenv("COFFER_TEST_SEED");  // NOLINT(concurrency-mt-unsafe)
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

/// One user of the simulated kernel, which keeps account of what the replies gave it.
class User {
 public:
  User(SimulatedKernel& kernel, std::uint64_t seed) : kernel_(kernel), random_(seed) {}

  /// One random operation in one of a few directories, on one of a few names.
  void step() {
    using Operation = void (User::*)();
    static constexpr std::array<Operation, 19> kOperations = {
        &User::lookup,         &User::lookup,      &User::create,        &User::make_node,
        &User::make_directory, &User::symlink,     &User::link,          &User::nameless,
        &User::list_plus,      &User::list,        &User::unlink,        &User::unlink,
        &User::rmdir,          &User::rename,      &User::open,          &User::release,
        &User::attributes,     &User::forget_some, &User::forget_several};
    (this->*kOperations[random_() % kOperations.size()])();
  }

  void close_all() {
    while (!opened.empty()) close(std::prev(opened.end()));
  }
  void forget_all() {
    kernel_.forget_many(lookups);
    lookups.clear();
  }

  struct Opened {
    std::uint64_t node, handle;
  };
  std::map<std::uint64_t, std::uint64_t> lookups;  // what we owe a FORGET
  std::vector<Opened> opened;

 private:
  std::string name() { return "n" + std::to_string(random_() % 12); }
  /// The root or a directory that we know, of the first few that were made.
  std::uint64_t directory() {
    if (directories_.empty() || random_() % 3 == 0) return kRoot;
    const auto at = std::next(directories_.begin(),
                              static_cast<std::ptrdiff_t>(random_() % directories_.size()));
    return lookups.contains(*at) ? *at : kRoot;
  }
  std::uint64_t some_node() {
    if (lookups.empty()) return kRoot;
    const auto skip = static_cast<std::ptrdiff_t>(random_() % lookups.size());
    return std::next(lookups.begin(), skip)->first;
  }
  void count(const fuse_entry_out& entry) {
    if (entry.nodeid == 0) return;  // there is none
    ++lookups[entry.nodeid];
    if (S_ISDIR(entry.attr.mode)) directories_.insert(entry.nodeid);
  }
  void ask_for_entry(std::uint32_t opcode, std::uint64_t node, const std::string& body) {
    const SimulatedReply reply = kernel_.call(opcode, node, body);
    if (reply.error == 0) count(reply.as<fuse_entry_out>());
  }

  void lookup() { ask_for_entry(FUSE_LOOKUP, directory(), name_bytes(name())); }
  void make_node() {
    const fuse_mknod_in body{S_IFIFO | 0644, 0, 022, 0};
    ask_for_entry(FUSE_MKNOD, directory(), bytes_of(body) + name_bytes(name()));
  }
  void make_directory() {
    const fuse_mkdir_in body{0755, 022};
    ask_for_entry(FUSE_MKDIR, directory(), bytes_of(body) + name_bytes(name()));
  }
  void symlink() {
    ask_for_entry(FUSE_SYMLINK, directory(), name_bytes(name()) + name_bytes("to"));
  }
  void link() {
    const fuse_link_in body{some_node()};
    ask_for_entry(FUSE_LINK, directory(), bytes_of(body) + name_bytes(name()));
  }
  void make_open(std::uint32_t opcode) {
    fuse_create_in body{};
    body.flags = O_RDWR | O_CREAT;
    body.mode = S_IFREG | 0644;
    const SimulatedReply reply =
        kernel_.call(opcode, directory(), bytes_of(body) + name_bytes(name()));
    if (reply.error != 0) return;
    const auto entry = reply.as<fuse_entry_out>();
    count(entry);
    const SimulatedReply rest{0, reply.body.substr(sizeof(entry))};
    opened.push_back({entry.nodeid, rest.as<fuse_open_out>().fh});
  }
  void create() { make_open(FUSE_CREATE); }
  void nameless() { make_open(FUSE_TMPFILE); }

  SimulatedReply read_directory(std::uint32_t opcode) {
    fuse_read_in body{};
    body.size = 2048;  // some of the entries
    return kernel_.call(opcode, directory(), bytes_of(body));
  }
  void list() { read_directory(FUSE_READDIR); }
  void list_plus() {
    const SimulatedReply reply = read_directory(FUSE_READDIRPLUS);
    if (reply.error != 0) return;
    for (std::size_t at = 0; at + FUSE_NAME_OFFSET_DIRENTPLUS <= reply.body.size();) {
      const auto entry = SimulatedReply{0, reply.body.substr(at)}.as<fuse_direntplus>();
      count(entry.entry_out);
      at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + entry.dirent.namelen);
    }
  }

  void unlink() { kernel_.call(FUSE_UNLINK, directory(), name_bytes(name())); }
  void rmdir() { kernel_.call(FUSE_RMDIR, directory(), name_bytes(name())); }
  void rename() {
    fuse_rename2_in body{};
    body.newdir = directory();
    kernel_.call(FUSE_RENAME2, directory(),
                 bytes_of(body) + name_bytes(name()) + name_bytes(name()));
  }
  void open() {
    fuse_open_in body{};
    body.flags = random_() % 2 == 0 ? O_RDONLY : O_RDWR;
    const std::uint64_t node = some_node();
    if (directories_.contains(node) || node == kRoot) return;
    const SimulatedReply reply = kernel_.call(FUSE_OPEN, node, bytes_of(body));
    if (reply.error == 0) opened.push_back({node, reply.as<fuse_open_out>().fh});
  }
  void close(std::vector<Opened>::iterator at) {
    fuse_release_in body{};
    body.fh = at->handle;
    const std::uint64_t node = at->node;
    opened.erase(at);
    EXPECT_EQ(kernel_.call(FUSE_RELEASE, node, bytes_of(body)).error, 0);
  }
  void release() {
    if (opened.empty()) return;
    close(opened.begin() + static_cast<std::ptrdiff_t>(random_() % opened.size()));
  }
  // What is known stays, whether it has a name or not.
  void attributes() {
    EXPECT_EQ(kernel_.call(FUSE_GETATTR, some_node(), bytes_of(fuse_getattr_in{})).error, 0);
  }

  std::uint64_t give_back(std::uint64_t node) {
    const std::uint64_t count = 1 + random_() % lookups[node];
    if ((lookups[node] -= count) == 0) lookups.erase(node);
    return count;
  }
  // The kernel forgets an inode when nothing refers to it, an open file neither.
  bool is_open(std::uint64_t node) const {
    for (const Opened& file : opened)
      if (file.node == node) return true;
    return false;
  }
  void forget_some() {
    const std::uint64_t node = some_node();
    if (node == kRoot || is_open(node)) return;
    const std::uint64_t count = give_back(node);
    kernel_.forget(node, count);
  }
  void forget_several() {
    std::map<std::uint64_t, std::uint64_t> given;
    for (int i = 0; i < 5; ++i) {
      const std::uint64_t node = some_node();
      if (node == kRoot || is_open(node) || given.contains(node)) continue;
      given[node] = give_back(node);
    }
    if (!given.empty()) kernel_.forget_many(given);
  }

  SimulatedKernel& kernel_;
  std::mt19937_64 random_;
  std::set<std::uint64_t> directories_;
};

/// What all users together hold, against the table.
void expect_exact(SimulatedKernel& kernel, const std::vector<User*>& users) {
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> held{{kRoot, {1, 0}}};
  for (const User* user : users) {
    for (const auto& [node, count] : user->lookups) held[node].first += count;
    for (const User::Opened& file : user->opened) ++held[file.node].second;
  }
  for (const auto& [node, counts] : held) {
    ASSERT_EQ(kernel.table().lookups(InodeId(node)), counts.first) << node;
    ASSERT_EQ(kernel.table().opens(InodeId(node)), counts.second) << node;
  }
  ASSERT_EQ(kernel.table().size(), held.size());
}

std::uint64_t names_below(Tree& tree, InodeId directory, std::set<InodeId>& inodes) {
  std::vector<InodeId> below;
  EXPECT_TRUE(tree.read_directory(directory, 0, [&](const DirectoryEntry& entry) {
    inodes.insert(entry.inode);
    if (entry.type == FileType::Directory) below.push_back(entry.inode);
    return true;
  }));
  for (const InodeId inner : below) names_below(tree, inner, inodes);
  return inodes.size();
}

/// Nobody knows anything any more: only what has a name is left, once the reaper has come by.
void expect_only_names_left(SimulatedKernel& kernel) {
  EXPECT_EQ(kernel.table().size(), 1U) << "the root";
  std::set<InodeId> inodes;  // the root is not counted, here as there
  const std::uint64_t named = names_below(kernel.tree(), kRootInode, inodes);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (kernel.tree().space()->inodes_used != named && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(kernel.tree().space()->inodes_used, named);
}

TEST(NodeLife, EveryOperationCountsAsTheKernelDoes) {
  const std::uint64_t seed = seed_of_test();
  SCOPED_TRACE(seed);
  SimulatedKernel kernel(1);  // one worker: a reply means that everything before it is done
  User user(kernel, seed);
  for (int step = 0; step < 4000; ++step) {
    user.step();
    if (step % 100 != 0) continue;
    kernel.call(FUSE_STATFS, kRoot, "");
    expect_exact(kernel, {&user});
    if (::testing::Test::HasFatalFailure()) return;
  }
  user.close_all();
  user.forget_all();
  kernel.call(FUSE_STATFS, kRoot, "");
  expect_only_names_left(kernel);
}

TEST(NodeLife, SeveralUsersOfTheSameNamesCountAsOne) {
  const std::uint64_t seed = seed_of_test();
  SCOPED_TRACE(seed);
  SimulatedKernel kernel(4);
  std::vector<std::unique_ptr<User>> users;
  std::vector<User*> all;
  for (std::uint64_t i = 0; i < 4; ++i) {
    users.push_back(std::make_unique<User>(kernel, seed + i));
    all.push_back(users.back().get());
  }
  std::vector<std::thread> threads;
  for (User* user : all) {
    threads.emplace_back([user] {
      for (int step = 0; step < 1000; ++step) user->step();
      user->close_all();
      user->forget_all();
    });
  }
  for (std::thread& thread : threads) thread.join();
  kernel.end();
  expect_only_names_left(kernel);
}

TEST(NodeLife, WhatARacingForgetLeavesIsExact) {
  const std::uint64_t seed = seed_of_test();
  SCOPED_TRACE(seed);
  SimulatedKernel kernel(4);
  std::vector<std::unique_ptr<User>> users;
  std::vector<User*> all;
  for (std::uint64_t i = 0; i < 3; ++i) {
    users.push_back(std::make_unique<User>(kernel, seed + i));
    all.push_back(users.back().get());
  }
  std::vector<std::thread> threads;
  for (User* user : all)
    threads.emplace_back([user] {
      for (int step = 0; step < 700; ++step) user->step();
    });
  for (std::thread& thread : threads) thread.join();
  kernel.end();  // forgets have no reply: all are worked off now
  expect_exact(kernel, all);
}

TEST(NodeLife, ARefusedReplyGivesItsCountsBack) {
  SimulatedKernel kernel(1);
  User user(kernel, 7);
  for (int step = 0; step < 300; ++step) user.step();
  kernel.call(FUSE_STATFS, kRoot, "");
  kernel.break_replies();
  fuse_create_in create{};
  create.flags = O_RDWR | O_CREAT;
  create.mode = S_IFREG | 0644;
  for (int i = 0; i < 12; ++i) {
    const std::string present = name_bytes("n" + std::to_string(i));
    const std::string fresh = name_bytes("fresh-" + std::to_string(i));
    kernel.send(FUSE_LOOKUP, kRoot, present);
    kernel.send(FUSE_CREATE, kRoot, bytes_of(create) + fresh);
    kernel.send(FUSE_TMPFILE, kRoot, bytes_of(create) + fresh);
    kernel.send(FUSE_MKDIR, kRoot, bytes_of(fuse_mkdir_in{0755, 0}) + "d" + fresh);
    fuse_read_in list{};
    list.size = 4096;
    kernel.send(FUSE_READDIRPLUS, kRoot, bytes_of(list));
  }
  for (const User::Opened& file : user.opened)
    kernel.send(FUSE_OPEN, file.node, bytes_of(fuse_open_in{}));
  kernel.end();
  expect_exact(kernel, {&user});
}

}  // namespace
}  // namespace coffer::fuse
