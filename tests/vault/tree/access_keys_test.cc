#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vault/tree/tree_fixture.h"
#include "vault/tree/access_key_service.h"

namespace coffer::test {
namespace {

TEST(AccessKeys, AreGeneratedFoundAndSurviveReopening) {
  World world;
  std::string id, secret;
  {
    auto keys = AccessKeyService::load(world.meta());
    ASSERT_TRUE(keys);
    AccessKey wanted;
    wanted.name = "someone";
    wanted.bucket = "photos";
    wanted.read_only = true;
    const auto made = (*keys)->add(wanted);
    ASSERT_TRUE(made);
    id = made->id;
    secret = made->secret;
    EXPECT_EQ(id.size(), 20U);
    EXPECT_TRUE(std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }));
    EXPECT_EQ(secret.size(), 40U);
    AccessKey taken;
    taken.id = id;
    EXPECT_EQ((*keys)->add(taken).error().code, Errc::Exists);
    taken.id = "short";
    EXPECT_EQ((*keys)->add(taken).error().code, Errc::InvalidArgument);
  }
  world.reopen();
  auto keys = AccessKeyService::load(world.meta());
  ASSERT_TRUE(keys);
  const auto found = (*keys)->find(id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret, secret);
  EXPECT_EQ(found->name, "someone");
  EXPECT_EQ(found->bucket, "photos");
  EXPECT_TRUE(found->read_only);
  EXPECT_EQ((*keys)->list().size(), 1U);
  ASSERT_TRUE((*keys)->remove(id));
  EXPECT_EQ((*keys)->remove(id).error().code, Errc::NotFound);
  EXPECT_FALSE((*keys)->find(id));
  EXPECT_TRUE(AccessKeyService::load(world.meta()).value()->list().empty());
}

}  // namespace
}  // namespace coffer::test
