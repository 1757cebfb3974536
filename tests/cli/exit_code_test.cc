#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace coffer::cli {
namespace {

TEST(ExitCode, IsWhatTheContractPromises) {
  EXPECT_EQ(exit_code(Errc::InvalidArgument), ExitCode::Usage);
  EXPECT_EQ(exit_code(Errc::NotSupported), ExitCode::Usage);
  EXPECT_EQ(exit_code(Errc::WrongKey), ExitCode::WrongKey);
  EXPECT_EQ(exit_code(Errc::Corrupt), ExitCode::Damaged);
  EXPECT_EQ(exit_code(Errc::Forked), ExitCode::Damaged);
  EXPECT_EQ(exit_code(Errc::NotEnoughVolumes), ExitCode::Damaged);
  EXPECT_EQ(exit_code(Errc::Busy), ExitCode::Busy);
  EXPECT_EQ(exit_code(Errc::Io), ExitCode::Io);
  EXPECT_EQ(static_cast<int>(ExitCode::FoundDamage), 6);
}

TEST(ErrorLine, SaysWhatFailedOnWhatAndWhatToDo) {
  EXPECT_EQ(error_line("mount", "/disk1", {Errc::WrongKey, "no key slot opens"}),
            "coffer mount: /disk1: no key slot opens: check the passphrase or key file");
}

TEST(ErrorLine, NamesTheSubjectOnce) {
  EXPECT_EQ(error_line("mount", "/disk1", {Errc::NotFound, "/disk1 is not there"}),
            "coffer mount: /disk1 is not there");
}

TEST(ErrorLine, IsOneLine) {
  EXPECT_EQ(error_line("fsck", "", {Errc::Io, "a\nb\r"}).find_first_of("\r\n"), std::string::npos);
}

TEST(ErrorLine, WithoutContextSaysTheCode) {
  EXPECT_EQ(error_line("", "", {Errc::Io, ""}), "coffer: Io");
}

TEST(ErrcFromWord, IsTheInverseOfToString) {
  for (int number = 0; number <= static_cast<int>(Errc::NotSupported); ++number) {
    const auto code = static_cast<Errc>(number);
    EXPECT_EQ(errc_from_word(to_string(code)), code) << to_string(code);
  }
  EXPECT_EQ(errc_from_word("a word of the future"), Errc::Io);
}

}  // namespace
}  // namespace coffer::cli
