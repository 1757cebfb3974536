// Both doors of one vault: what S3 answers is what the mount shows, and the other way round.

#include <string>

#include "coffer/vault/objects.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

class TwoDoors : public MountTest {
 protected:
  Objects& objects() { return mounted().vault().objects(); }

  void put(const std::string& key, const std::string& bytes) {
    auto writer = objects().begin_put("bucket", key);
    ASSERT_TRUE(writer) << writer.error().context;
    ASSERT_TRUE((*writer)->write(as_bytes(bytes)));
    const auto done = (*writer)->commit({}, {}, Durability::Relaxed);
    ASSERT_TRUE(done) << done.error().context;
    ASSERT_TRUE(mounted().mounted().settle(std::chrono::seconds(10)));
  }
  std::string get(const std::string& key) {
    auto reader = objects().open_reader("bucket", key);
    EXPECT_TRUE(reader) << (reader ? "" : reader.error().context);
    if (!reader) return {};
    std::string bytes((*reader)->info().size, '\0');
    const auto got = (*reader)->read(0, {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    EXPECT_TRUE(got);
    return bytes;
  }
};

TEST_F(TwoDoors, AnObjectShowsAtOnceWhereItsAbsenceWasCached) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  EXPECT_FALSE(exists(path("bucket/a")));
  EXPECT_FALSE(exists(path("bucket/d")));
  put("a", "content of a");
  put("d/e/f", pattern(300'000));
  EXPECT_EQ(read_file(path("bucket/a")), "content of a");
  EXPECT_EQ(read_file(path("bucket/d/e/f")), pattern(300'000));
}

TEST_F(TwoDoors, AnOverwrittenObjectIsNewAtTheMountAndOldInOpenDescriptors) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  write_file(path("bucket/o"), "written at the mount");
  EXPECT_EQ(get("o"), "written at the mount");
  const Descriptor before(path("bucket/o"), O_RDONLY);
  EXPECT_EQ(read_all(before), "written at the mount");
  put("o", "put");
  EXPECT_EQ(stat_of(path("bucket/o")).st_size, 3);
  EXPECT_EQ(read_file(path("bucket/o")), "put");
  EXPECT_EQ(read_all(before), "written at the mount");
}

TEST_F(TwoDoors, ARemovedObjectIsGoneAtOnce) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  write_file(path("bucket/o"), "x");
  EXPECT_TRUE(exists(path("bucket/o")));
  const auto removed = objects().remove("bucket", "o", {}, Durability::Relaxed);
  ASSERT_TRUE(removed) << removed.error().context;
  EXPECT_TRUE(*removed);
  ASSERT_TRUE(mounted().mounted().settle(std::chrono::seconds(10)));
  EXPECT_FALSE(exists(path("bucket/o")));
}

TEST_F(TwoDoors, AClosedFileIsTheObject) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  const std::string bytes = pattern(2'000'000);
  write_file(path("bucket/o"), bytes);
  EXPECT_EQ(get("o"), bytes);
}

}  // namespace
}  // namespace coffer::fuse::testing
