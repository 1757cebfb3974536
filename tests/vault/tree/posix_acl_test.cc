#include "vault/tree/posix_acl.h"

#include <gtest/gtest.h>

#include "coffer/core/bytes.h"

namespace coffer {
namespace {

struct Entry {
  std::uint16_t tag, permissions;
  std::uint32_t id = ~0U;
};

std::string value_of(const std::vector<Entry>& entries, std::uint32_t version = 2) {
  std::string value;
  ByteWriter out(value);
  out.u32(version);
  for (const Entry& entry : entries) {
    out.u16(entry.tag);
    out.u16(entry.permissions);
    out.u32(entry.id);
  }
  return value;
}

const std::vector<Entry> kPlain = {{1, 7}, {4, 5}, {32, 1}};
const std::vector<Entry> kNamed = {{1, 7},     {2, 6, 1000}, {2, 2, 1001}, {4, 4},
                                   {8, 1, 50}, {16, 3},      {32, 0}};

TEST(PosixAcl, IsKeptByteByByte) {
  for (const auto& entries : {kPlain, kNamed}) {
    const auto acl = PosixAcl::parse(value_of(entries));
    ASSERT_TRUE(acl);
    EXPECT_EQ(acl->encode(), value_of(entries));
  }
}

TEST(PosixAcl, TheGroupBitsAreTheMaskWhereThereIsOne) {
  const auto plain = PosixAcl::parse(value_of(kPlain));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->is_extended());
  EXPECT_EQ(plain->mode(), 0751);
  auto named = PosixAcl::parse(value_of(kNamed));
  ASSERT_TRUE(named);
  EXPECT_TRUE(named->is_extended());
  EXPECT_EQ(named->mode(), 0730);
  named->set_mode(04652);
  EXPECT_EQ(named->mode(), 0652);
  auto wanted = kNamed;
  wanted[0].permissions = 6;
  wanted[5].permissions = 5;
  wanted[6].permissions = 2;
  EXPECT_EQ(named->encode(), value_of(wanted));
}

TEST(PosixAcl, WhatIsNoneIsRefused) {
  const auto refused = [](const std::string& value) {
    const auto acl = PosixAcl::parse(value);
    return !acl && acl.error().code == Errc::InvalidArgument;
  };
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused(value_of({})));
  EXPECT_TRUE(refused(value_of(kPlain, 1)));
  EXPECT_TRUE(refused(value_of(kPlain) + "x"));
  EXPECT_TRUE(refused(value_of({{1, 7}, {4, 5}})));
  EXPECT_TRUE(refused(value_of({{1, 7}, {1, 7}, {4, 5}, {32, 0}})));
  EXPECT_TRUE(refused(value_of({{4, 5}, {1, 7}, {32, 0}})));
  EXPECT_TRUE(refused(value_of({{1, 8}, {4, 5}, {32, 0}})));
  EXPECT_TRUE(refused(value_of({{1, 7}, {4, 5}, {32, 0}, {64, 0}})));
  EXPECT_TRUE(refused(value_of({{1, 7}, {2, 6, 1000}, {4, 5}, {32, 0}}))) << "no mask";
}

}  // namespace
}  // namespace coffer
