#include "coffer/core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <string>

#include "coffer/core/strong_id.h"
#include "tests/support/temp_directory.h"

namespace coffer {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  void open(LogLevel level) { ASSERT_TRUE(log_open({level, directory_.file("log")}).has_value()); }
  std::string written() {
    log_flush();
    std::ostringstream text;
    text << std::ifstream(directory_.file("log")).rdbuf();
    return text.str();
  }
  ~Log() override { (void)log_open({}); }

  testing::TempDirectory directory_;
};

TEST_F(Log, PutsArgumentsIntoTheirPlaces) {
  open(LogLevel::Info);
  const std::string owned = "text";
  log_info("{} of {} volumes, {} {} {} {}", 3, ByteCount{6}, owned, "literal", true, Errc::NoSpace);
  log_warning("{} and {}", -1);
  log_error("none", 1);
  EXPECT_THAT(written(), HasSubstr("Z info 3 of 6 volumes, text literal true NoSpace\n"));
  EXPECT_THAT(written(), HasSubstr("Z warning -1 and {}\n"));
  EXPECT_THAT(written(), HasSubstr("Z error none\n"));
}

TEST_F(Log, DropsWhatIsBelowItsLevel) {
  open(LogLevel::Warning);
  log_debug("one");
  log_info("two");
  log_error("three");
  EXPECT_THAT(written(), Not(HasSubstr("one")));
  EXPECT_THAT(written(), Not(HasSubstr("two")));
  EXPECT_THAT(written(), HasSubstr("three"));
}

TEST_F(Log, AnArgumentCannotBeginALineOfItsOwn) {
  open(LogLevel::Info);
  log_info("agent {}", "x\n2026-01-01 error {} forged\x1b[2J");
  EXPECT_THAT(written(), HasSubstr("agent x\\x0a2026-01-01 error {} forged\\x1b[2J\n"));
}

TEST_F(Log, ItsFileIsReadableByTheOwnerAlone) {
  open(LogLevel::Info);
  struct stat status {};
  ASSERT_EQ(::stat(directory_.file("log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(Log, AFileThatCannotBeMadeIsAnErrorAndTheOldSinkStays) {
  open(LogLevel::Info);
  const Result<void> result = log_open({LogLevel::Info, directory_.file("none/log")});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::NotFound);
  log_info("still here");
  EXPECT_THAT(written(), HasSubstr("still here"));
}

TEST(LogLevel, ParsesItsWordsOnly) {
  EXPECT_EQ(parse_log_level("warning").value(), LogLevel::Warning);
  EXPECT_EQ(parse_log_level("loud").error().code, Errc::InvalidArgument);
}

}  // namespace
}  // namespace coffer
