#include "cli/mount_helper.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

using Words = std::vector<std::string>;

Words called_as(const std::string& program, const Words& given, Caller caller = Caller::User) {
  const auto call = helper_call(program, given, caller);
  return call ? call->arguments : Words{"not a helper"};
}

TEST(MountHelper, IsKnownByItsNames) {
  EXPECT_FALSE(helper_call("/usr/bin/coffer", {"mount"}, Caller::User));
  EXPECT_FALSE(helper_call("mount.fuse", {}, Caller::User));
  for (const char* name : {"/sbin/mount.fuse.coffer", "mount.coffer"})
    EXPECT_EQ(called_as(name, {"/v", "/m"}), (Words{"mount", "/v", "/m"}));
  for (const char* name : {"/sbin/umount.fuse.coffer", "umount.coffer"})
    EXPECT_EQ(called_as(name, {"/m"}), (Words{"unmount", "/m"}));
}

TEST(MountHelper, SwitchesOfMountAreTranslated) {
  EXPECT_EQ(called_as("mount.coffer", {"/v", "/m", "-n", "-sv", "-o", "ro", "-t", "fuse.coffer"}),
            (Words{"mount", "/v", "/m", "-o", "sloppy", "-o", "ro"}));
  EXPECT_TRUE(helper_call("mount.coffer", {"/v", "/m", "-f"}, Caller::User)->fake);
  EXPECT_EQ(called_as("umount.coffer", {"/m", "-l", "-fn"}), (Words{"unmount", "/m", "--lazy"}));
}

TEST(MountHelper, SwitchesThatMountDoesNotHaveAreLeftToBeRefused) {
  EXPECT_EQ(called_as("mount.coffer", {"/v", "/m", "-N", "/proc/1/ns/mnt"}),
            (Words{"mount", "/v", "/m", "-N", "/proc/1/ns/mnt"}));
}

TEST(MountHelper, RootsMountsTakeSuidAndDevicesAsThoseOfOtherTypes) {
  EXPECT_EQ(called_as("mount.coffer", {"/v", "/m", "-o", "rw,nosuid"}, Caller::Root),
            (Words{"mount", "-o", "suid,dev", "/v", "/m", "-o", "rw,nosuid"}));
  EXPECT_EQ(called_as("mount.coffer", {"/v", "/m", "-o", "rw,remount"}, Caller::Root),
            (Words{"mount", "-o", "suid,dev,exec,async,atime,diratime,symfollow", "/v", "/m", "-o",
                   "rw,remount"}));
}

}  // namespace
}  // namespace coffer::cli
