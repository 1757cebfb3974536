#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "cli/command.h"
#include "tests/support/temp_directory.h"

namespace coffer::cli {
namespace {

using ::testing::ElementsAre;

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() {
    add_init(app_, chosen_);
    add_mount(app_, chosen_);
    add_fsck(app_, chosen_);
  }
  Result<std::vector<std::string>> with(const std::string& content,
                                        std::vector<std::string> arguments) {
    std::ofstream(path_) << content;
    arguments.push_back("--config=" + path_);
    return with_config(app_, std::move(arguments));
  }

  testing::TempDirectory directory_;
  const std::string path_ = directory_.file("config.toml");
  CLI::App app_;
  Command chosen_;
};

TEST_F(ConfigFile, GoesBeforeTheArgumentsOfTheCommand) {
  const auto arguments = with("passfile = \"/a b\"\nmemory=\"1G\"\n", {"mount", "v", "m"});
  ASSERT_TRUE(arguments) << arguments.error().context;
  EXPECT_THAT(*arguments, ElementsAre("mount", "--passfile=/a b", "--memory=1G", "v", "m"));
}

TEST_F(ConfigFile, OptionsOfOtherCommandsArePassedOver) {
  const auto arguments = with(
      "verify-data = true\n[init]\nkdf-cost = \"minimum\"\n[mount]\nread-only = true\n", {"mount"});
  ASSERT_TRUE(arguments) << arguments.error().context;
  EXPECT_THAT(*arguments, ElementsAre("mount", "--read-only"));
}

TEST_F(ConfigFile, FlagThatIsFalseIsLeftOut) {
  const auto arguments =
      with("read-only = false\nworkers = 3\nvolume = [\"a\", \"b\"]\n", {"mount"});
  ASSERT_TRUE(arguments) << arguments.error().context;
  EXPECT_THAT(*arguments, ElementsAre("mount", "--workers=3", "--volume=a", "--volume=b"));
}

TEST_F(ConfigFile, WayToUnlockOnTheCommandLineOverrulesAnother) {
  const auto arguments = with("passfile = \"/a\"\n", {"mount", "--keyfile", "k"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, ElementsAre("mount", "--keyfile", "k"));
}

TEST_F(ConfigFile, KeyThatNoCommandHasIsRefused) {
  const auto arguments = with("pasfile = \"/a\"\n", {"mount"});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().code, Errc::InvalidArgument);
  EXPECT_NE(arguments.error().context.find("pasfile"), std::string::npos);
}

TEST_F(ConfigFile, FileThatIsNotThereIsAnError) {
  EXPECT_FALSE(with_config(app_, {"mount", "--config", directory_.file("absent")}));
}

TEST_F(ConfigFile, NoConfigChangesNothing) {
  const auto arguments = with_config(app_, {"mount", "v", "m"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, ElementsAre("mount", "v", "m"));
}

}  // namespace
}  // namespace coffer::cli
