#include "cli/mount_table.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

constexpr const char* kTable =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "70 22 0:50 / /mnt/safe rw,nosuid,nodev - fuse.coffer /disk1/vault rw,user_id=0\n"
    "71 22 0:51 / /mnt/with\\040blank rw,nosuid shared:7 master:2 - fuse.coffer coffer rw\n"
    "72 22 0:52 / /mnt/other rw - fuse.sshfs host: rw\n"
    "73 22 0:53 / /mnt/hidden rw - fuse.coffer coffer rw\n"
    "74 73 0:54 / /mnt/hidden rw - tmpfs none rw\n";

TEST(MountTable, FindsAVaultAtExactlyItsMountpoint) {
  EXPECT_TRUE(is_coffer_mount_in(kTable, "/mnt/safe"));
  EXPECT_FALSE(is_coffer_mount_in(kTable, "/mnt/safe/below"));
  EXPECT_FALSE(is_coffer_mount_in(kTable, "/mnt"));
}

TEST(MountTable, ReadsEscapedNamesAndOptionalFields) {
  EXPECT_TRUE(is_coffer_mount_in(kTable, "/mnt/with blank"));
}

TEST(MountTable, OtherFileSystemsAreNotVaults) {
  EXPECT_FALSE(is_coffer_mount_in(kTable, "/"));
  EXPECT_FALSE(is_coffer_mount_in(kTable, "/mnt/other"));
}

TEST(MountTable, VaultThatAnotherMountHidesIsNotThere) {
  EXPECT_FALSE(is_coffer_mount_in(kTable, "/mnt/hidden"));
}

}  // namespace
}  // namespace coffer::cli
