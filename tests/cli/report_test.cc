#include <gtest/gtest.h>

#include "cli/progress.h"
#include "cli/status_report.h"

namespace coffer::cli {
namespace {

VaultStatus degraded_vault() {
  VaultStatus status;
  status.cipher = "aes-256-gcm";
  status.data = 4;
  status.parity = 2;
  VolumeStatus here;
  here.path = "/d1";
  here.state = "current";
  here.bytes_total = 1ULL << 40;
  here.bytes_available = 1ULL << 39;
  VolumeStatus away;
  away.path = "/d2";
  away.state = "absent";
  status.volumes = {here, away};
  status.data_losses_survived = status.metadata_losses_survived = 1;
  status.degraded_stripes = 12;
  status.degraded_segments = 1;
  return status;
}

TEST(StatusText, SaysWhatIsAbsentAndUnprotected) {
  const std::string text = status_text(status_json(degraded_vault()));
  EXPECT_NE(text.find("/d2  absent"), std::string::npos) << text;
  EXPECT_NE(text.find("unprotected 1 segment with fewer shards than the format wants, 12 stripes"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("1 more volume may be lost"), std::string::npos) << text;
  EXPECT_NE(text.find("512.0 GiB of 1.0 TiB free"), std::string::npos) << text;
}

TEST(StatusText, OfAClosedVaultClaimsNothingAboutItsContent) {
  const std::string text = status_text(peeked_status_json(degraded_vault()));
  EXPECT_EQ(text.find("protection"), std::string::npos) << text;
  EXPECT_EQ(text.find("contents"), std::string::npos) << text;
  EXPECT_NE(text.find("closed"), std::string::npos) << text;
}

TEST(FsckText, EndsWithTheVerdict) {
  FsckReport report;
  report.inodes = 1;
  EXPECT_TRUE(fsck_text(fsck_json(report)).starts_with("clean: 1 inode, "));
  report.problems = {"inode 7: no name"};
  EXPECT_TRUE(fsck_text(fsck_json(report)).starts_with("inode 7: no name\n1 problem: "));
  EXPECT_EQ(fsck_json(report).value("clean", true), false);
}

TEST(Progress, BarFitsItsLineAndKnowsTheTimeLeft) {
  const std::string bar = Progress::bar(25, 100, 10, Progress::Unit::Things, 79);
  EXPECT_LE(bar.size(), 79U);
  EXPECT_NE(bar.find("25%  25 of 100  2/s  0:00:30 left"), std::string::npos) << bar;
  EXPECT_TRUE(bar.starts_with("[#"));
  EXPECT_FALSE(Progress::bar(25, 100, 10, Progress::Unit::Things, 20).starts_with("["));
}

TEST(Progress, SurvivesUnknownAndWrongTotals) {
  EXPECT_EQ(Progress::bar(7, 0, 0, Progress::Unit::Bytes, 80), "7 B, 0 B/s");
  EXPECT_NE(Progress::bar(200, 100, 1, Progress::Unit::Things, 80).find("100%"), std::string::npos);
}

TEST(HumanBytes, UsesPowersOf1024) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(~0ULL), "16.0 EiB");
}

}  // namespace
}  // namespace coffer::cli
