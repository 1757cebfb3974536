// The namespace at the mount, against a model, with the rows checked for consistency.

#include <gtest/gtest.h>

#include <random>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {
namespace {

using Mode = RenameRequest::Mode;

NewNode file_node() { return {}; }
NewNode directory_node() {
  NewNode node;
  node.type = FileType::Directory;
  node.permissions = 0755;
  return node;
}

InodeId make(Tree& tree, InodeId parent, std::string_view name, const NewNode& node) {
  auto made = tree.make_node(parent, name, node);
  EXPECT_TRUE(made) << name << ": " << to_string(made.error().code);
  return made ? made->inode : InodeId{};
}

Errc rename(Tree& tree, InodeId from, std::string_view name, InodeId to, std::string_view new_name,
            Mode mode = Mode::Replace) {
  auto done = tree.rename({from, name, to, new_name, mode});
  return done ? Errc{-1} : done.error().code;
}
constexpr Errc kOk{-1};

std::map<std::string, InodeId> names_in(Tree& tree, InodeId directory) {
  std::map<std::string, InodeId> names;
  EXPECT_TRUE(tree.read_directory(directory, 0, [&](const DirectoryEntry& entry) {
    EXPECT_TRUE(names.emplace(entry.name, entry.inode).second) << entry.name;
    return true;
  }));
  return names;
}

void expect_consistent(World& world) {
  world.inodes->drain_reaper();
  for (const std::string& line : check_namespace(world.meta())) ADD_FAILURE() << line;
}

TEST(TreeNamespace, MakesLooksUpListsAndRemoves) {
  World world;
  Tree& tree = world.tree();
  const InodeId a = make(tree, kRootInode, "a", directory_node());
  const InodeId f = make(tree, a, "f", file_node());
  EXPECT_EQ(tree.make_node(a, "f", directory_node()).error().code, Errc::Exists);
  EXPECT_EQ(tree.lookup(a, "f")->inode, f);
  EXPECT_EQ(tree.lookup(a, "g").error().code, Errc::NotFound);
  EXPECT_EQ(tree.lookup(f, "g").error().code, Errc::NotDirectory);
  EXPECT_EQ(tree.lookup(a, std::string(256, 'x')).error().code, Errc::NameTooLong);
  EXPECT_EQ(tree.attributes(kRootInode)->nlink, 3U);
  EXPECT_EQ(tree.parent_of(a).value(), kRootInode);
  EXPECT_EQ(tree.remove_directory(kRootInode, "a").error().code, Errc::NotEmpty);
  EXPECT_EQ(tree.unlink(kRootInode, "a").error().code, Errc::IsDirectory);
  EXPECT_EQ(tree.remove_directory(a, "f").error().code, Errc::NotDirectory);
  ASSERT_TRUE(tree.unlink(a, "f"));
  EXPECT_EQ(tree.lookup(a, "f").error().code, Errc::NotFound);
  EXPECT_EQ(tree.attributes(f).error().code, Errc::Stale);
  ASSERT_TRUE(tree.remove_directory(kRootInode, "a"));
  EXPECT_EQ(tree.make_node(a, "x", file_node()).error().code, Errc::NotFound);
  EXPECT_EQ(tree.attributes(kRootInode)->nlink, 2U);
  expect_consistent(world);
}

TEST(TreeNamespace, HardLinksAndSymlinks) {
  World world;
  Tree& tree = world.tree();
  const InodeId d = make(tree, kRootInode, "d", directory_node());
  const InodeId f = make(tree, kRootInode, "f", file_node());
  EXPECT_EQ(tree.link(d, kRootInode, "e").error().code, Errc::Permission);
  ASSERT_TRUE(tree.link(f, d, "g"));
  EXPECT_EQ(tree.attributes(f)->nlink, 2U);
  EXPECT_EQ(rename(tree, d, "g", kRootInode, "f"), kOk);  // the same inode: nothing happens
  EXPECT_EQ(names_in(tree, d).size(), 1U);
  EXPECT_EQ(rename(tree, d, "g", kRootInode, "f", Mode::NoReplace), Errc::Exists);
  ASSERT_TRUE(tree.unlink(kRootInode, "f"));
  EXPECT_EQ(tree.attributes(f)->nlink, 1U);
  NewNode link;
  link.type = FileType::Symlink;
  link.symlink_target = "/somewhere";
  const InodeId s = make(tree, d, "s", link);
  EXPECT_EQ(tree.read_link(s).value(), "/somewhere");
  EXPECT_EQ(tree.attributes(s)->size, 10U);
  link.symlink_target = std::string(4096, 'x');
  EXPECT_EQ(tree.make_node(d, "t", link).error().code, Errc::NameTooLong);
  expect_consistent(world);
}

TEST(TreeNamespace, RenameMatrix) {
  World world;
  Tree& tree = world.tree();
  const InodeId a = make(tree, kRootInode, "a", directory_node());
  const InodeId b = make(tree, a, "b", directory_node());
  const InodeId empty = make(tree, kRootInode, "empty", directory_node());
  const InodeId f = make(tree, kRootInode, "f", file_node());
  const InodeId g = make(tree, b, "g", file_node());
  EXPECT_EQ(rename(tree, kRootInode, "a", b, "in"), Errc::InvalidArgument);
  EXPECT_EQ(rename(tree, kRootInode, "a", a, "in"), Errc::InvalidArgument);
  EXPECT_EQ(rename(tree, kRootInode, "a", kRootInode, "f"), Errc::NotDirectory);
  EXPECT_EQ(rename(tree, kRootInode, "f", kRootInode, "a"), Errc::IsDirectory);
  EXPECT_EQ(rename(tree, kRootInode, "empty", kRootInode, "a"), Errc::NotEmpty);
  EXPECT_EQ(rename(tree, a, "b", kRootInode, "a"), Errc::NotEmpty);
  EXPECT_EQ(rename(tree, kRootInode, "none", kRootInode, "x"), Errc::NotFound);
  EXPECT_EQ(rename(tree, kRootInode, "f", b, "g", Mode::NoReplace), Errc::Exists);
  EXPECT_EQ(rename(tree, kRootInode, "f", kRootInode, "none", Mode::Exchange), Errc::NotFound);
  EXPECT_EQ(rename(tree, kRootInode, "a", b, "g", Mode::Exchange), Errc::InvalidArgument);

  EXPECT_EQ(rename(tree, kRootInode, "f", b, "g"), kOk);
  EXPECT_EQ(tree.lookup(b, "g")->inode, f);
  EXPECT_EQ(tree.attributes(g).error().code, Errc::Stale);
  EXPECT_EQ(rename(tree, a, "b", kRootInode, "empty"), kOk);
  EXPECT_EQ(tree.lookup(kRootInode, "empty")->inode, b);
  EXPECT_EQ(tree.parent_of(b).value(), kRootInode);
  EXPECT_EQ(tree.attributes(empty).error().code, Errc::Stale);
  EXPECT_EQ(tree.attributes(a)->nlink, 2U);
  const InodeId h = make(tree, a, "h", file_node());
  EXPECT_EQ(rename(tree, a, "h", kRootInode, "empty", Mode::Exchange), kOk);
  EXPECT_EQ(tree.lookup(a, "h")->inode, b);
  EXPECT_EQ(tree.lookup(kRootInode, "empty")->inode, h);
  EXPECT_EQ(tree.parent_of(b).value(), a);
  EXPECT_EQ(tree.attributes(a)->nlink, 3U);
  EXPECT_EQ(tree.attributes(kRootInode)->nlink, 3U);
  expect_consistent(world);
}

TEST(TreeNamespace, EscapedNamesCannotBeMadeWhereTheyMeanNothing) {
  World world;
  Tree& tree = world.tree();
  EXPECT_EQ(tree.make_node(kRootInode, "%s3.o.a", file_node()).error().code, Errc::InvalidArgument);
  EXPECT_EQ(tree.make_node(kRootInode, "%s3.e", file_node()).error().code, Errc::InvalidArgument);
  EXPECT_EQ(tree.make_node(kRootInode, "%s3.h." + std::string(32, 'a'), file_node()).error().code,
            Errc::InvalidArgument);
  const InodeId empty = make(tree, kRootInode, "%s3.e", directory_node());
  const InodeId plain = make(tree, kRootInode, "%s3.q", file_node());
  const InodeId quoted = make(tree, kRootInode, "%s3.x.%s3.e", file_node());
  make(tree, kRootInode, "a", directory_node());
  const InodeId beside = make(tree, kRootInode, "%s3.o.a", file_node());
  const std::map<std::string, InodeId> expected = {{"%s3.e", empty},
                                                   {"%s3.q", plain},
                                                   {"%s3.x.%s3.e", quoted},
                                                   {"a", tree.lookup(kRootInode, "a")->inode},
                                                   {"%s3.o.a", beside}};
  EXPECT_EQ(names_in(tree, kRootInode), expected);
  ASSERT_TRUE(tree.remove_directory(kRootInode, "a"));
  EXPECT_EQ(tree.lookup(kRootInode, "a")->inode, beside);
  EXPECT_EQ(tree.lookup(kRootInode, "%s3.o.a").error().code, Errc::NotFound);
  expect_consistent(world);
}

TEST(TreeNamespace, ListingResumesAtItsCookieWhileEntriesComeAndGo) {
  World world;
  Tree& tree = world.tree();
  for (int i = 0; i < 50; ++i) make(tree, kRootInode, "n" + std::to_string(i), file_node());
  std::set<std::string> seen;
  std::uint64_t cookie = 0;
  for (bool more = true; more;) {
    more = false;
    ASSERT_TRUE(tree.read_directory(kRootInode, cookie, [&](const DirectoryEntry& entry) {
      EXPECT_GT(entry.cookie, cookie);
      EXPECT_TRUE(seen.insert(std::string(entry.name)).second);
      cookie = entry.cookie;
      more = true;
      return false;
    }));
    // Neither a removed neighbour nor a replaced entry moves the others.
    if (seen.size() == 10) {
      ASSERT_TRUE(tree.unlink(kRootInode, "n40"));
      make(tree, kRootInode, "other", file_node());
      EXPECT_EQ(rename(tree, kRootInode, "other", kRootInode, "n3"), kOk);
    }
  }
  EXPECT_EQ(seen.size(), 49U);
}

TEST(TreeNamespace, UnlinkedFilesStayWhileTheyAreKnown) {
  World world;
  SomeUsers users;
  Tree& tree = world.tree();
  tree.set_inode_users(&users);
  const InodeId f = make(tree, kRootInode, "f", file_node());
  users.known.insert(f);
  ASSERT_TRUE(tree.write(f, 0, as_bytes("text")));
  ASSERT_TRUE(tree.unlink(kRootInode, "f"));
  EXPECT_EQ(tree.attributes(f)->nlink, 0U);
  world.inodes->drain_reaper();
  EXPECT_EQ(tree.attributes(f)->size, 4U);
  {
    std::scoped_lock lock(users.mutex);
    users.known.clear();
  }
  tree.forgotten(f);
  world.inodes->drain_reaper();
  EXPECT_EQ(tree.attributes(f).error().code, Errc::Stale);

  const auto temporary = tree.make_unlinked(kRootInode, file_node());
  ASSERT_TRUE(temporary);
  EXPECT_EQ(temporary->attributes.nlink, 0U);
  ASSERT_TRUE(tree.link(temporary->inode, kRootInode, "linked"));
  EXPECT_EQ(tree.attributes(temporary->inode)->nlink, 1U);
  const auto lost = tree.make_unlinked(kRootInode, file_node());
  tree.forgotten(lost->inode);
  world.inodes->drain_reaper();
  EXPECT_EQ(tree.attributes(lost->inode).error().code, Errc::Stale);
  tree.set_inode_users(nullptr);
  expect_consistent(world);
}

TEST(TreeNamespace, AttributesAndXattrs) {
  World world;
  Tree& tree = world.tree();
  const InodeId f = make(tree, kRootInode, "f", file_node());
  SetAttributes change;
  change.permissions = 0600;
  change.uid = 7;
  change.mtime = Timespec{5, 6};
  change.size = 100;
  const auto now = tree.set_attributes(f, change);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->permissions, 0600);
  EXPECT_EQ(now->size, 100U);
  EXPECT_EQ(now->mtime, (Timespec{5, 6}));
  EXPECT_EQ(tree.set_attributes(kRootInode, change).error().code, Errc::IsDirectory);

  EXPECT_EQ(tree.get_xattr(f, "user.a").error().code, Errc::NoAttribute);
  EXPECT_EQ(tree.set_xattr(f, "user.a", as_bytes("1"), XattrMode::Replace).error().code,
            Errc::NoAttribute);
  ASSERT_TRUE(tree.set_xattr(f, "user.a", as_bytes("1"), XattrMode::Create));
  EXPECT_EQ(tree.set_xattr(f, "user.a", as_bytes("2"), XattrMode::Create).error().code,
            Errc::Exists);
  const std::string large(65536, 'v');
  ASSERT_TRUE(tree.set_xattr(f, "user.b", as_bytes(large), XattrMode::Any));
  EXPECT_EQ(tree.set_xattr(f, "user.c", as_bytes(large + "v"), XattrMode::Any).error().code,
            Errc::TooLarge);
  world.reopen();
  Tree& again = world.tree();
  EXPECT_EQ(again.get_xattr(f, "user.b").value(), large);
  EXPECT_EQ(again.list_xattrs(f).value(), (std::vector<std::string>{"user.a", "user.b"}));
  ASSERT_TRUE(again.remove_xattr(f, "user.a"));
  EXPECT_EQ(again.remove_xattr(f, "user.a").error().code, Errc::NoAttribute);
  EXPECT_EQ(again.attributes(f)->uid, 7U);
}

InodeRecord committed_row(World& world, InodeId inode) {
  const auto row = world.meta().get(keys::inode(inode));
  EXPECT_TRUE(row && *row);
  return decode_inode(inode, **row).value();
}

TEST(TreeNamespace, AttributesOfAFileBeingMadeWaitForItsClose) {
  World world;
  Tree& tree = world.tree();
  NewNode node = file_node();
  node.birth = NewNode::Birth::Opened;
  const InodeId f = make(tree, kRootInode, "f", node);
  ASSERT_TRUE(tree.write(f, 0, as_bytes("bytes")));
  const CommitPosition before = world.meta().committed();
  SetAttributes change;
  change.permissions = 0600;
  change.uid = 7;
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(tree.attributes(f)->permissions, 0600) << "seen at once";
  EXPECT_EQ(world.meta().committed(), before);
  ASSERT_TRUE(tree.commit_file(f));
  EXPECT_EQ(committed_row(world, f).attributes.permissions, 0600);
  EXPECT_EQ(committed_row(world, f).attributes.uid, 7U);

  change.permissions = 0640;
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(committed_row(world, f).attributes.permissions, 0640) << "nobody has it open";
}

TEST(TreeNamespace, AttributesOfAnEmptyFileBeingMadeAreCommittedByItsClose) {
  World world;
  Tree& tree = world.tree();
  NewNode node = file_node();
  node.birth = NewNode::Birth::Opened;
  const InodeId f = make(tree, kRootInode, "f", node);
  SetAttributes change;
  change.permissions = 0600;
  ASSERT_TRUE(tree.set_attributes(f, change));
  ASSERT_TRUE(tree.commit_file(f));
  EXPECT_EQ(committed_row(world, f).attributes.permissions, 0600);
}

// Bytes that a crash keeps must not be readable to more people than the last answered chmod allows.
TEST(TreeNamespace, OnceAFilesBytesAreCommittedItsAttributesDoNotWait) {
  World world;
  Tree& tree = world.tree();
  NewNode node = file_node();
  node.birth = NewNode::Birth::Opened;
  const InodeId f = make(tree, kRootInode, "f", node);
  ASSERT_TRUE(tree.write(f, 0, as_bytes("secret")));
  ASSERT_TRUE(tree.rename({kRootInode, "f", kRootInode, "g"}));
  const bool bytes_committed = committed_row(world, f).attributes.size > 0;
  SetAttributes change;
  change.permissions = 0600;
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(committed_row(world, f).attributes.permissions == 0600, bytes_committed);
  ASSERT_TRUE(tree.commit_file(f));

  const InodeId h = make(tree, kRootInode, "h", node);
  ASSERT_TRUE(tree.write(h, 0, as_bytes("secret")));
  ASSERT_TRUE(tree.link(h, kRootInode, "i"));
  EXPECT_GT(committed_row(world, h).attributes.size, 0U);
  ASSERT_TRUE(tree.set_attributes(h, change));
  EXPECT_EQ(committed_row(world, h).attributes.permissions, 0600);
}

// The kernel sends one after each rename.
TEST(TreeNamespace, ATimeOfChangeAloneWaitsForTheBackground) {
  World world;
  Tree& tree = world.tree();
  const InodeId f = make(tree, kRootInode, "f", file_node());
  const Attributes made = *tree.attributes(f);
  SetAttributes change;
  change.mtime = made.mtime;
  change.ctime = Timespec{made.ctime.seconds, made.ctime.nanoseconds ^ 1};
  const CommitPosition before = world.meta().committed();
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(tree.attributes(f)->ctime, change.ctime) << "seen at once";
  EXPECT_EQ(world.meta().committed(), before);
  ASSERT_TRUE(tree.sync_all());
  EXPECT_EQ(committed_row(world, f).attributes.ctime, change.ctime);

  change.mtime = Timespec{1, 2};
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(committed_row(world, f).attributes.mtime, change.mtime) << "that is utimensat";
}

TEST(TreeNamespace, TimesThatTheUserSetsDoNotWaitForATimeOfChangeThatWaits) {
  World world;
  Tree& tree = world.tree();
  const InodeId f = make(tree, kRootInode, "f", file_node());
  SetAttributes change;
  change.mtime = tree.attributes(f)->mtime;
  change.ctime = Timespec{7, 8};
  ASSERT_TRUE(tree.set_attributes(f, change));
  SetAttributes touched;
  touched.mtime = Timespec{1, 2};
  ASSERT_TRUE(tree.set_attributes(f, touched));
  EXPECT_EQ(committed_row(world, f).attributes.mtime, touched.mtime);
}

TEST(TreeNamespace, ChangesOfAnInodeWithoutLinksGoWithItsNextLink) {
  World world;
  Tree& tree = world.tree();
  const InodeId f = tree.make_unlinked(kRootInode, file_node())->inode;
  SetAttributes change;
  change.permissions = 0600;
  change.mtime = Timespec{5, 6};
  const CommitPosition before = world.meta().committed();
  ASSERT_TRUE(tree.set_attributes(f, change));
  EXPECT_EQ(world.meta().committed(), before);
  EXPECT_EQ(tree.attributes(f)->permissions, 0600);
  ASSERT_TRUE(tree.link(f, kRootInode, "linked"));
  EXPECT_EQ(committed_row(world, f).attributes.permissions, 0600);
  EXPECT_EQ(committed_row(world, f).attributes.mtime, (Timespec{5, 6}));
}

// ---- random operations against a model

struct Model {
  struct Node {
    bool directory = false;
    std::map<std::string, InodeId> entries;
    InodeId parent;
    unsigned links = 0;
  };
  std::map<InodeId, Node> nodes{{kRootInode, {true, {}, kRootInode, 1}}};

  bool within(InodeId directory, InodeId ancestor) {
    for (; directory != kRootInode; directory = nodes[directory].parent) {
      if (directory == ancestor) return true;
    }
    return ancestor == kRootInode;
  }
  void drop(InodeId id) {
    if (--nodes[id].links == 0) nodes.erase(id);
  }
  Errc rename(InodeId from, const std::string& name, InodeId to, const std::string& new_name,
              Mode mode) {
    const auto source = nodes[from].entries.find(name);
    if (source == nodes[from].entries.end()) return Errc::NotFound;
    const InodeId moved = source->second;
    const bool directory = nodes[moved].directory;
    if (directory && within(to, moved)) return Errc::InvalidArgument;
    const auto target = nodes[to].entries.find(new_name);
    const bool there = target != nodes[to].entries.end();
    const InodeId met = there ? target->second : InodeId{};
    if (there && met != moved && nodes[met].directory && within(from, met)) {
      if (mode == Mode::Exchange) return Errc::InvalidArgument;
      if (directory) return Errc::NotEmpty;
      if (mode == Mode::Replace) return Errc::IsDirectory;
    }
    if (there && mode == Mode::NoReplace) return Errc::Exists;
    if (!there && mode == Mode::Exchange) return Errc::NotFound;
    if (there && met == moved) return kOk;
    if (mode == Mode::Exchange) {
      nodes[from].entries[name] = met;
      nodes[to].entries[new_name] = moved;
      if (nodes[met].directory) nodes[met].parent = from;
    } else {
      if (there) {
        if (directory && !nodes[met].directory) return Errc::NotDirectory;
        if (!directory && nodes[met].directory) return Errc::IsDirectory;
        if (directory && !nodes[met].entries.empty()) return Errc::NotEmpty;
        drop(met);
      }
      nodes[from].entries.erase(name);
      nodes[to].entries[new_name] = moved;
    }
    if (directory) nodes[moved].parent = to;
    return kOk;
  }
};

TEST(TreeNamespace, RandomOperationsAgreeWithAModel) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  World world;
  Model model;
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto name = [&] { return "n" + std::to_string(pick(8)); };
  const auto code = [](const auto& result) { return result ? kOk : result.error().code; };
  for (int step = 0; step < 4000; ++step) {
    if (step % 1000 == 999) world.reopen();
    Tree& tree = world.tree();
    std::vector<InodeId> directories;
    for (const auto& [id, node] : model.nodes) {
      if (node.directory) directories.push_back(id);
    }
    const InodeId parent = directories[pick(directories.size())];
    const std::string n = name();
    auto& entries = model.nodes[parent].entries;
    const auto found = entries.find(n);
    const bool there = found != entries.end();
    switch (pick(8)) {
      case 0:
      case 1: {
        const bool directory = pick(2) == 0 && directories.size() < 30;
        auto made = tree.make_node(parent, n, directory ? directory_node() : file_node());
        ASSERT_EQ(code(made), there ? Errc::Exists : kOk) << step;
        if (made) {
          entries[n] = made->inode;
          model.nodes[made->inode] = {directory, {}, parent, 1};
        }
        break;
      }
      case 2: {
        const Errc expected = !there                                 ? Errc::NotFound
                              : model.nodes[found->second].directory ? Errc::IsDirectory
                                                                     : kOk;
        ASSERT_EQ(code(tree.unlink(parent, n)), expected) << step;
        if (expected == kOk) {
          model.drop(found->second);
          entries.erase(n);
        }
        break;
      }
      case 3: {
        Errc expected = Errc::NotFound;
        if (there) {
          const Model::Node& node = model.nodes[found->second];
          expected = !node.directory        ? Errc::NotDirectory
                     : node.entries.empty() ? kOk
                                            : Errc::NotEmpty;
        }
        ASSERT_EQ(code(tree.remove_directory(parent, n)), expected) << step;
        if (expected == kOk) {
          model.drop(found->second);
          entries.erase(n);
        }
        break;
      }
      case 4: {
        std::vector<InodeId> files;
        for (const auto& [id, node] : model.nodes) {
          if (!node.directory) files.push_back(id);
        }
        if (files.empty()) break;
        const InodeId file = files[pick(files.size())];
        ASSERT_EQ(code(tree.link(file, parent, n)), there ? Errc::Exists : kOk) << step;
        if (!there) {
          entries[n] = file;
          ++model.nodes[file].links;
        }
        break;
      }
      case 5:
        ASSERT_EQ(names_in(tree, parent), entries) << step;
        ASSERT_EQ(code(tree.lookup(parent, n)), there ? kOk : Errc::NotFound);
        break;
      default: {
        const InodeId to = directories[pick(directories.size())];
        const std::string new_name = name();
        const auto mode = static_cast<Mode>(pick(3));
        const Errc expected = model.rename(parent, n, to, new_name, mode);
        ASSERT_EQ(rename(tree, parent, n, to, new_name, mode), expected) << step;
      }
    }
  }
  for (const auto& [id, node] : model.nodes) {
    if (node.directory) {
      ASSERT_EQ(names_in(world.tree(), id), node.entries);
    } else {
      ASSERT_EQ(world.tree().attributes(id)->nlink, node.links);
    }
  }
  expect_consistent(world);
}

}  // namespace
}  // namespace coffer::test
