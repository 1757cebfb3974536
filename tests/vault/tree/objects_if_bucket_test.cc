// Who was let into a bucket changes nothing in another one that has its name by now.

#include <gtest/gtest.h>

#include "tests/vault/tree/tree_fixture.h"

namespace coffer::test {
namespace {

constexpr Durability kRelaxed = Durability::Relaxed;

template <typename T>
Errc error_of(const Result<T>& result) {
  return result ? Errc{} : result.error().code;
}

class ObjectsIfBucket : public ::testing::Test {
 protected:
  InodeId make_bucket() {
    EXPECT_TRUE(objects().create_bucket("bucket", kRelaxed, {}));
    put({});
    return objects().bucket("bucket")->inode;
  }
  Result<ObjectInfo> put(const WriteConditions& conditions) {
    auto writer = objects().begin_put("bucket", "key");
    EXPECT_TRUE(writer);
    return (*writer)->commit({}, conditions, kRelaxed);
  }
  Objects& objects() { return world.objects(); }
  World world;
};

TEST_F(ObjectsIfBucket, NothingIsChangedInAnotherBucketOfTheName) {
  const InodeId old = make_bucket();
  ASSERT_TRUE(objects().remove("bucket", "key", {}, kRelaxed));
  ASSERT_TRUE(objects().remove_bucket("bucket", kRelaxed));
  const InodeId present = make_bucket();
  ASSERT_NE(old, present);
  EXPECT_EQ(objects().buckets()->front().inode, present);

  WriteConditions conditions;
  conditions.if_bucket = old;
  EXPECT_EQ(error_of(objects().set_bucket_setting("bucket", "a", "b", kRelaxed, old)),
            Errc::NotFound);
  EXPECT_EQ(error_of(objects().remove("bucket", "key", conditions, kRelaxed)), Errc::NotFound);
  EXPECT_EQ(error_of(put(conditions)), Errc::NotFound);
  ObjectUpdate update;
  update.inode = objects().head("bucket", "key")->inode;
  update.tags = std::map<std::string, std::string>{{"a", "b"}};
  update.if_bucket = old;
  EXPECT_EQ(error_of(objects().update("bucket", "key", update, kRelaxed)), Errc::NotFound);
  EXPECT_TRUE(objects().bucket("bucket")->settings->empty());
  EXPECT_TRUE(objects().head("bucket", "key")->metadata.tags.empty());

  conditions.if_bucket = update.if_bucket = present;
  EXPECT_TRUE(objects().set_bucket_setting("bucket", "a", "b", kRelaxed, present));
  EXPECT_TRUE(objects().update("bucket", "key", update, kRelaxed));
  EXPECT_TRUE(put(conditions));
  EXPECT_TRUE(objects().remove("bucket", "key", conditions, kRelaxed));
}

}  // namespace
}  // namespace coffer::test
