#include "cli/mount_place.h"

#include <gtest/gtest.h>

#include "tests/support/temp_directory.h"

namespace coffer::cli {
namespace {

/// What check_mount_place() says, "" for nothing.
std::string refusal(const std::string& path, Content content = Content::Kept) {
  const auto checked = check_mount_place(path, content);
  return checked ? "" : std::string(to_string(checked.error().code));
}

TEST(MountPlace, AnEmptyDirectoryIsFine) {
  const testing::TempDirectory directory;
  EXPECT_EQ(refusal(directory.make_directory("empty")), "");
}

TEST(MountPlace, WhatIsMountedOnAlreadyIsBusy) {
  EXPECT_EQ(refusal("/proc"), to_string(Errc::Busy));
  EXPECT_EQ(refusal("/proc", Content::Hidden), to_string(Errc::Busy));
}

TEST(MountPlace, FilesAreHiddenOnlyOnDemand) {
  const testing::TempDirectory directory;
  const std::string place = directory.make_directory("full");
  ASSERT_NE(directory.make_directory("full/child"), "");
  EXPECT_EQ(refusal(place), to_string(Errc::InvalidArgument));
  EXPECT_EQ(refusal(place, Content::Hidden), "");
}

TEST(MountPlace, AVolumeIsNeverMountedOver) {
  const testing::TempDirectory directory;
  const std::string place = directory.make_directory("volume");
  ASSERT_NE(directory.make_directory("volume/superblock.1"), "");
  EXPECT_EQ(refusal(place, Content::Hidden), to_string(Errc::InvalidArgument));
}

TEST(MountPlace, WhatIsNoDirectoryIsToldApart) {
  const testing::TempDirectory directory;
  EXPECT_EQ(refusal(directory.file("none")), to_string(Errc::NotFound));
  EXPECT_EQ(refusal("/proc/self/status"), to_string(Errc::NotDirectory));
}

}  // namespace
}  // namespace coffer::cli
