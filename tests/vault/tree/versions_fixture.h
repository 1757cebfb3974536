#pragma once
// A bucket whose objects can have versions, and short ways to what is in it.

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {

class VersionsTest : public ::testing::Test {
 protected:
  static constexpr Durability kRelaxed = Durability::Relaxed;

  void SetUp() override { ASSERT_TRUE(objects().create_bucket("bucket", kRelaxed, {})); }
  Objects& objects() { return world.objects(); }
  Tree& tree() { return world.tree(); }
  InodeId bucket_id() { return tree().lookup(kRootInode, "bucket").value().inode; }

  void set_state(const char* state) {
    ASSERT_TRUE(objects().set_bucket_setting("bucket", kVersioningSetting, state, kRelaxed));
  }
  void enable() { set_state("Enabled"); }
  void suspend() { set_state("Suspended"); }

  Result<ObjectInfo> put_if(std::string_view key, std::string_view bytes,
                            const WriteConditions& conditions, ObjectMetadata metadata = {}) {
    COFFER_ASSIGN(auto writer, objects().begin_put("bucket", key));
    COFFER_TRY(writer->write(as_bytes(bytes)));
    return writer->commit(std::move(metadata), conditions, kRelaxed);
  }
  ObjectInfo put(std::string_view key, std::string_view bytes, ObjectMetadata metadata = {}) {
    auto done = put_if(key, bytes, {}, std::move(metadata));
    EXPECT_TRUE(done) << done.error().context;
    return done.value_or(ObjectInfo{});
  }
  Result<Removed> remove(std::string_view key, std::string_view version = {}) {
    return objects().remove({"bucket", key, version}, kRelaxed);
  }
  std::string get(std::string_view key, std::string_view version = {}) {
    auto reader = objects().open_reader("bucket", key, version);
    if (!reader) return "error " + std::string(to_string(reader.error().code));
    std::string bytes((*reader)->info().size, '?');
    const auto got = (*reader)->read(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    if (!got) return "error " + std::string(to_string(got.error().code));
    return bytes.substr(0, *got);
  }

  /// One line for each version, page by page.
  std::string listed(std::string prefix = {}, std::string delimiter = {},
                     std::uint32_t page = 1000) {
    std::string lines;
    VersionListRequest request{std::move(prefix), std::move(delimiter), {}, {}, page};
    for (int turn = 0; turn < 10'000; ++turn) {
      const auto got = objects().list_versions("bucket", request);
      EXPECT_TRUE(got) << got.error().context;
      if (!got) break;
      std::vector<std::pair<std::string, std::string>> found;
      for (const VersionEntry& entry : got->entries) {
        found.emplace_back(entry.info.key, entry.info.key + " " + entry.info.version +
                                               (entry.latest ? " latest" : "") +
                                               (entry.marker ? " marker" : "") + "\n");
      }
      for (const std::string& common : got->common_prefixes)
        found.emplace_back(common, common + "\n");
      std::stable_sort(found.begin(), found.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [key, line] : found) lines += line;
      EXPECT_LE(found.size(), page);
      if (!got->truncated) break;
      request.key_marker = got->next_key;
      request.version_marker = got->next_version;
    }
    return lines;
  }

  std::vector<std::string> names_in(InodeId directory) {
    std::vector<std::string> names;
    EXPECT_TRUE(tree().read_directory(directory, 0, [&](const DirectoryEntry& entry) {
      names.emplace_back(entry.name);
      return true;
    }));
    std::sort(names.begin(), names.end());
    return names;
  }

  void expect_consistent() {
    world.inodes->drain_reaper();
    EXPECT_EQ(check_namespace(world.meta()), std::vector<std::string>{});
  }

  template <typename T>
  static Errc error_of(const Result<T>& result) {
    return result ? Errc{-1} : result.error().code;
  }

  World world;
};

}  // namespace coffer::test
