#include "coffer/fuse/mount_table.h"

#include <gtest/gtest.h>

namespace coffer::fuse {
namespace {

constexpr const char* kTable =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "70 22 0:50 / /mnt/safe rw,nosuid,nodev - fuse.coffer /disk1/vault rw,user_id=1000,group_id=7\n"
    "71 22 0:51 / /mnt/with\\040blank rw,nosuid shared:7 master:2 - fuse.coffer coffer rw\n"
    "72 22 0:52 / /mnt/other rw - fuse.sshfs host: rw\n"
    "73 22 0:53 / /mnt/hidden rw - fuse.coffer coffer rw\n"
    "74 73 0:54 / /mnt/hidden rw - tmpfs none rw\n";

std::string type_at(const std::string& path) {
  const auto found = top_mount_in(kTable, path);
  return found ? found->type : "nothing";
}

TEST(MountTable, FindsAVaultAtExactlyItsMountpoint) {
  const auto found = top_mount_in(kTable, "/mnt/safe");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->type, "fuse.coffer");
  EXPECT_EQ(found->device, "0:50");
  EXPECT_EQ(found->id, "70");
  EXPECT_EQ(found->mountpoint, "/mnt/safe");
  EXPECT_EQ(found->source, "/disk1/vault");
  EXPECT_EQ(found->user, 1000U);
  EXPECT_FALSE(top_mount_in(kTable, "/mnt/other")->user);
  EXPECT_EQ(type_at("/mnt/safe/below"), "nothing");
  EXPECT_EQ(type_at("/mnt"), "nothing");
}

TEST(MountTable, ReadsEscapedNamesAndOptionalFields) {
  EXPECT_EQ(type_at("/mnt/with blank"), "fuse.coffer");
}

TEST(MountTable, OtherFileSystemsKeepTheirType) {
  EXPECT_EQ(type_at("/"), "ext4");
  EXPECT_EQ(type_at("/mnt/other"), "fuse.sshfs");
}

TEST(MountTable, OfSeveralMountsTheTopOneShows) {
  EXPECT_EQ(type_at("/mnt/hidden"), "tmpfs");
  EXPECT_EQ(top_mount_in(kTable, "/mnt/hidden")->device, "0:54");
}

}  // namespace
}  // namespace coffer::fuse
