#include "cli/passphrase.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_directory.h"

namespace coffer::cli {
namespace {

class Passphrase : public ::testing::Test {
 protected:
  std::string file_with(const std::string& content) {
    std::string path = directory_.file("secret");
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  testing::TempDirectory directory_;
};

using namespace std::string_literals;

TEST_F(Passphrase, IsTheFirstLineOfThePassfile) {
  const auto credential = read_credential(
      {.passfile = file_with("two words \nrest"), .passcommand = {}, .keyfile = {}}, Ask::Once);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, SlotKind::Passphrase);
  EXPECT_EQ(credential->secret.view(), "two words ");
}

TEST_F(Passphrase, NeedsNoNewlineAtItsEnd) {
  const auto credential = read_credential(
      {.passfile = file_with("word"), .passcommand = {}, .keyfile = {}}, Ask::Twice);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->secret.view(), "word");
}

TEST_F(Passphrase, MayBeLongerThanOneRead) {
  const std::string line(5000, 'p');
  const auto credential = read_credential(
      {.passfile = file_with(line + "\nx"), .passcommand = {}, .keyfile = {}}, Ask::Once);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->secret.view(), line);
}

TEST_F(Passphrase, ThatIsEmptyIsRefused) {
  for (const std::string& content : {""s, "\n"s, "\nsecond"s}) {
    const auto credential = read_credential(
        {.passfile = file_with(content), .passcommand = {}, .keyfile = {}}, Ask::Once);
    ASSERT_FALSE(credential);
    EXPECT_EQ(credential.error().code, Errc::InvalidArgument);
  }
}

TEST_F(Passphrase, FileThatIsNotThereIsAnError) {
  const auto credential = read_credential(
      {.passfile = directory_.file("absent"), .passcommand = {}, .keyfile = {}}, Ask::Once);
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, Errc::NotFound);
}

TEST_F(Passphrase, IsTheFirstLineThatACommandPrints) {
  const auto credential = read_credential(
      {.passfile = {}, .passcommand = "echo first; echo second; seq 100000", .keyfile = {}},
      Ask::Once);
  ASSERT_TRUE(credential) << credential.error().context;
  EXPECT_EQ(credential->secret.view(), "first");
}

TEST_F(Passphrase, CommandThatFailsIsAnErrorEvenIfItPrinted) {
  const auto credential = read_credential(
      {.passfile = {}, .passcommand = "echo first; exit 1", .keyfile = {}}, Ask::Once);
  ASSERT_FALSE(credential);
  EXPECT_EQ(credential.error().code, Errc::InvalidArgument);
}

TEST_F(Passphrase, RecoveryKeyIsTheFirstLineOfItsFile) {
  CredentialSource source;
  source.recovery_key_file = file_with("ABCD-EFGH\nof the safe");
  EXPECT_TRUE(source.given());
  const auto credential = read_credential(source, Ask::Once);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, SlotKind::Recovery);
  EXPECT_EQ(credential->secret.view(), "ABCD-EFGH");
}

TEST_F(Passphrase, KeyFileIsItsWholeContent) {
  const std::string key = "line\n\0binary\xff\n"s;
  const auto credential =
      read_credential({.passfile = {}, .passcommand = {}, .keyfile = file_with(key)}, Ask::Once);
  ASSERT_TRUE(credential);
  EXPECT_EQ(credential->kind, SlotKind::KeyFile);
  EXPECT_EQ(credential->secret.view(), key);
}

}  // namespace
}  // namespace coffer::cli
