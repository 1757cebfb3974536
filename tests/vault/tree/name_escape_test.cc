// Names at the mount and stored names: one visible name for each entry, and back.

#include "vault/tree/name_escape.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace coffer {
namespace {

using Kind = MountName::Kind;

TEST(NameEscape, Vectors) {
  EXPECT_EQ(visible_name("a", false, false), "a");
  EXPECT_EQ(visible_name("a", true, false), "a");
  EXPECT_EQ(visible_name("a", false, true), "%s3.o.a");
  EXPECT_EQ(visible_name("", true, false), "%s3.e");
  EXPECT_EQ(visible_name(".", false, false), "%s3.d");
  EXPECT_EQ(visible_name(".", false, true), "%s3.o..");
  EXPECT_EQ(visible_name("..", true, false), "%s3.dd");
  EXPECT_EQ(visible_name("%s3.e", false, false), "%s3.x.%s3.e");
  EXPECT_EQ(visible_name("%s3.x.%s3.e", true, false), "%s3.x.%s3.x.%s3.e");
  EXPECT_EQ(visible_name("%s3.q", false, false), "%s3.q");
  EXPECT_EQ(visible_name("%s3.x.q", false, false), "%s3.x.q");
  EXPECT_EQ(visible_name(std::string(255, 'n'), false, false), std::string(255, 'n'));
  EXPECT_EQ(visible_name(std::string(256, 'n'), false, false).size(), 6U + 32U);
  EXPECT_NE(visible_name(std::string(256, 'n'), false, false),
            visible_name(std::string(256, 'n'), true, false));
  EXPECT_EQ(parse_mount_name("%s3.h.zz").kind, Kind::Plain);
  EXPECT_EQ(parse_mount_name("%s3.o.").kind, Kind::Plain);
}

TEST(NameEscape, MountNames) {
  for (const char* bad : {"", ".", "..", "a/b", "/"}) EXPECT_FALSE(is_mount_name(bad)) << bad;
  EXPECT_FALSE(is_mount_name(std::string_view("a\0", 2)));
  EXPECT_FALSE(is_mount_name(std::string(256, 'a')));
  EXPECT_TRUE(is_mount_name("..."));
}

// Finds what a visible name means in a directory, as the namespace does.
struct Directory {
  std::set<std::pair<std::string, bool>> entries;  // stored name, is a directory
  std::map<std::string, std::pair<std::string, bool>> hashes;

  void add(const std::string& stored, bool directory) {
    entries.emplace(stored, directory);
    if (may_be_hashed(stored)) hashes[name_hash(stored, directory)] = {stored, directory};
  }
  [[nodiscard]] std::string show(const std::pair<std::string, bool>& entry) const {
    return visible_name(entry.first, entry.second,
                        !entry.second && entries.contains({entry.first, true}));
  }
  [[nodiscard]] std::pair<std::string, bool> find(const std::string& name) const {
    const MountName asked = parse_mount_name(name);
    switch (asked.kind) {
      case Kind::Plain:
        return {asked.stored, entries.contains({asked.stored, true})};
      case Kind::FileBesideDirectory:
        return {asked.stored, false};
      case Kind::DirectoryOnly:
        return {asked.stored, true};
      case Kind::Hashed:
        return hashes.at(asked.stored);
    }
    __builtin_unreachable();
  }
};

TEST(NameEscape, IsABijectionInEveryDirectory) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"%s3.",
                                           "e",
                                           "d",
                                           "dd",
                                           "o.",
                                           "x.",
                                           "h.",
                                           ".",
                                           "..",
                                           "a",
                                           std::string("\0", 1),
                                           std::string(32, 'a'),
                                           std::string(240, 'b'),
                                           "\xff"};
  for (int round = 0; round < 200; ++round) {
    Directory directory;
    for (int i = 0; i < 60; ++i) {
      std::string stored;
      for (auto n = random() % 5; n > 0; --n) stored += pieces[random() % pieces.size()];
      directory.add(stored, stored.empty() || random() % 2 == 0);
    }
    std::set<std::string> seen;
    for (const auto& entry : directory.entries) {
      const std::string name = directory.show(entry);
      ASSERT_TRUE(is_mount_name(name)) << "seed " << seed;
      ASSERT_TRUE(seen.insert(name).second) << "seed " << seed;
      ASSERT_EQ(directory.find(name), entry) << "seed " << seed << " name " << name;
    }
  }
}

TEST(NameEscape, WhatIsMadeAtTheMountIsShownAsItWasMade) {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"%s3.", "e", "d", "x.", "h.", "a", ".", "%"};
  for (int round = 0; round < 5000; ++round) {
    std::string name;
    for (auto n = 1 + random() % 5; n > 0; --n) name += pieces[random() % pieces.size()];
    if (!is_mount_name(name)) continue;
    const MountName asked = parse_mount_name(name);
    if (asked.kind != Kind::Plain) continue;
    EXPECT_EQ(visible_name(asked.stored, false, false), name);
  }
}

}  // namespace
}  // namespace coffer
