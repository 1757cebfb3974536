// Rows of the namespace: keys in S3's order, values that come back as they went in, hostile bytes
// refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "coffer/core/bytes.h"
#include "vault/tree/dentry.h"
#include "vault/tree/inode_record.h"
#include "vault/tree/keys.h"

namespace coffer {
namespace {

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return text;
}

TEST(Keys, DentryVectors) {
  // docs/format.md §5.3 shows these bytes.
  const InodeId parent{0x0102};
  EXPECT_EQ(hex(keys::dentry(parent, "a", false)), "44000000000000010261");
  EXPECT_EQ(hex(keys::dentry(parent, "a", true)), "440000000000000102612f");
  EXPECT_EQ(hex(keys::dentry(parent, "", true)), "4400000000000001022f");
  EXPECT_EQ(hex(keys::dentry(parent, ".", false)), "4400000000000001022e");
  EXPECT_EQ(hex(keys::dentry(parent, "..", true)), "4400000000000001022e2e2f");
  EXPECT_EQ(hex(keys::dentry(parent, std::string_view("\0", 1), false)), "44000000000000010200");
  EXPECT_EQ(keys::dentry(parent, std::string(1024, 'x'), false).size(), 9U + 1024U);
}

TEST(Keys, DirectoryAndFileRowsSortAsS3KeysDo) {
  const InodeId parent{7};
  const std::vector<std::string> sorted = {
      keys::dentry(parent, "", true),     keys::dentry(parent, "a", false),
      keys::dentry(parent, "a-b", false), keys::dentry(parent, "a", true),
      keys::dentry(parent, "a0", false),  keys::dentry(parent, "b", true),
      keys::dentry(InodeId{8}, "", true)};
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
  EXPECT_EQ(keys::stored_name_of(sorted[3]), "a/");
  EXPECT_EQ(keys::inode_of(sorted[6]), InodeId{8});
}

TEST(Keys, UploadKeysKeepTheOrderOfObjectKeys) {
  const InodeId bucket{3};
  const std::string zero("a\0b", 3);
  EXPECT_LT(keys::upload(bucket, "a", "ffff"), keys::upload(bucket, zero, "0000"));
  EXPECT_LT(keys::upload(bucket, zero, "0000"), keys::upload(bucket, "ab", "0000"));
  EXPECT_TRUE(keys::upload(bucket, zero, "u").starts_with(keys::upload_key_prefix(bucket, zero)));
  EXPECT_FALSE(keys::upload(bucket, "ab", "u").starts_with(keys::upload_key_prefix(bucket, "a")));
}

TEST(Keys, PrefixEndIsTheLeastGreaterKey) {
  EXPECT_EQ(keys::prefix_end("ab"), "ac");
  EXPECT_EQ(keys::prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(keys::prefix_end("\xff"), "");
}

TEST(Rows, InodeComesBackAsItWentIn) {
  InodeRecord record;
  record.attributes.inode = InodeId{99};
  record.attributes.type = FileType::Symlink;
  record.attributes.permissions = 04755;
  record.attributes.uid = 4'000'000'000;
  record.attributes.gid = 1;
  record.attributes.nlink = 3;
  record.attributes.rdev = 0x12345;
  record.attributes.size = UINT64_MAX / 2;
  record.attributes.allocated = 77;
  record.attributes.atime = {-1, 5};
  record.attributes.mtime = {INT64_MIN, 999'999'999};
  record.attributes.ctime = {INT64_MAX, 0};
  record.attributes.btime = {1'700'000'000, 1};
  record.flags = InodeRecord::kMarker | InodeRecord::kHasObject;
  record.parent = InodeId{12};
  record.content_version = 300;
  record.symlink_target = "to";
  record.extents = std::string("\0x\xff", 3);
  const std::string value = encode_inode(record);
  const auto back = decode_inode(InodeId{99}, value);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_inode(*back), value);
  EXPECT_EQ(back->attributes.mtime, record.attributes.mtime);
  EXPECT_EQ(back->attributes.atime, record.attributes.atime);
  EXPECT_EQ(back->attributes.ctime, record.attributes.ctime);
  EXPECT_EQ(back->attributes.uid, 4'000'000'000U);
  EXPECT_EQ(back->symlink_target, "to");
  EXPECT_EQ(back->extents, record.extents);
  for (std::size_t cut = 0; cut + record.extents.size() < value.size(); ++cut) {
    EXPECT_FALSE(decode_inode(InodeId{99}, std::string_view(value).substr(0, cut))) << cut;
  }
}

TEST(Rows, EntriesComeBackAndGarbageIsRefused) {
  const Dentry dentry{InodeId{300}, FileType::Directory, 1U << 20U};
  EXPECT_EQ(hex(encode_dentry(dentry)), "02ac02808040");
  const auto back = decode_dentry(encode_dentry(dentry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->inode, dentry.inode);
  EXPECT_EQ(back->cookie, dentry.cookie);
  EXPECT_FALSE(decode_dentry(""));
  EXPECT_FALSE(decode_dentry(std::string_view("\x09\x01\x01", 3)));
  EXPECT_FALSE(decode_dentry(std::string_view("\x01\x01\x01\x01", 4)));
  const auto entry =
      decode_indexed_entry(encode_indexed_entry({InodeId{5}, FileType::Regular, "name"}));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->stored_name, "name");
  EXPECT_FALSE(decode_indexed_entry(""));
}

}  // namespace
}  // namespace coffer
