#include "fuse/errno.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace coffer::fuse {
namespace {

TEST(ToErrno, EveryCodeHasAPositiveErrnoOtherThanEintr) {
  for (int code = 0; code <= static_cast<int>(Errc::NotSupported); ++code) {
    const int number = to_errno(static_cast<Errc>(code));
    EXPECT_GT(number, 0) << to_string(static_cast<Errc>(code));
    EXPECT_NE(number, EINTR);
    EXPECT_NE(number, ENOSYS) << "the kernel would never ask for that operation again";
  }
}

TEST(ToErrno, DamageLooksTheSameWhateverFoundIt) {
  EXPECT_EQ(to_errno(Errc::Corrupt), EIO);
  EXPECT_EQ(to_errno(Errc::AuthenticationFailed), EIO);
}

}  // namespace
}  // namespace coffer::fuse
