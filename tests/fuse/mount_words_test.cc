#include "fuse/mount_words.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

namespace coffer::fuse {
namespace {

MountWords parsed(std::string_view words, unsigned long base = default_mount_flags()) {
  const auto result = parse_mount_words(words, base);
  EXPECT_TRUE(result) << (result ? "" : result.error().context);
  return result ? *result : MountWords{};
}

TEST(MountWords, BeginWithoutSuidAndDevicesUnlessAsked) {
  EXPECT_EQ(parsed("").flags, MS_NOSUID | MS_NODEV);
  EXPECT_EQ(parsed("suid").flags, static_cast<unsigned long>(MS_NODEV));
  EXPECT_EQ(parsed("suid,dev,nosuid").flags, static_cast<unsigned long>(MS_NOSUID));
}

TEST(MountWords, FlagsAreSetAndTakenBackInTheirOrder) {
  EXPECT_EQ(parsed("noexec,noatime,relatime,sync,dirsync,ro", 0).flags,
            static_cast<unsigned long>(MS_NOEXEC | MS_NOATIME | MS_RELATIME | MS_SYNCHRONOUS |
                                       MS_DIRSYNC | MS_RDONLY));
  EXPECT_EQ(parsed("rw", MS_RDONLY | MS_NOEXEC).flags, static_cast<unsigned long>(MS_NOEXEC));
}

TEST(MountWords, WordsOfMountAndTheBootChangeNothing) {
  EXPECT_EQ(
      parsed("defaults,auto,noauto,user,users,nofail,_netdev,x-systemd.automount,X-mount.mkdir,"
             "comment=a b,user=somebody,,uhelper=fuse.coffer")
          .flags,
      default_mount_flags());
}

TEST(MountWords, UnknownOnesAreRefusedByNameUnlessSloppy) {
  const auto refused = parse_mount_words("noexec,frobnicate=1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::InvalidArgument);
  EXPECT_NE(refused.error().context.find("'frobnicate=1'"), std::string::npos);
  EXPECT_EQ(parsed("frobnicate,sloppy,noexec", 0).flags, static_cast<unsigned long>(MS_NOEXEC));
}

// mount(8) gives the options that it finds in the mount table back with a remount.
TEST(MountWords, WhatTheTableShowsIsForRemountsOnly) {
  EXPECT_EQ(parsed("remount,ro,user_id=0,group_id=0,max_read=1048576,allow_other", 0).flags,
            static_cast<unsigned long>(MS_RDONLY));
  EXPECT_FALSE(parse_mount_words("max_read=4096"));
}

TEST(MountWords, TheHelperIsToldWhatItKnows) {
  const MountWords words = parsed("noexec,relatime,nodiratime,ro,allow_other,fsname=here");
  EXPECT_EQ(words.for_helper, "noexec,ro");
  EXPECT_TRUE(words.allow_other);
  EXPECT_EQ(words.source, "here");
  EXPECT_EQ(words.not_for_helper, "");
  EXPECT_EQ(parsed("nosymfollow").not_for_helper, "nosymfollow");
}

}  // namespace
}  // namespace coffer::fuse
