/// chattr(1): immutable and append-only, at the mount and against the other door.

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "coffer/vault/objects.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

class ProtectionTest : public MountTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_LINUX_IMMUTABLE";
    MountTest::SetUp();
  }

  static int flags_of(const std::string& path) {
    const Descriptor file(path, O_RDONLY);
    int flags = -1;
    EXPECT_EQ(::ioctl(file.get(), FS_IOC_GETFLAGS, &flags), 0) << std::strerror(errno);
    return flags;
  }
  /// The errno, 0 when it worked.
  static int set_flags(const std::string& path, int flags) {
    const Descriptor file(path, O_RDONLY);
    return error_of(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags));
  }
  static int open_error(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (fd < 0) return errno;
    ::close(fd);
    return 0;
  }
};

TEST_F(ProtectionTest, FlagsAreKeptAndOthersAreRefused) {
  write_file(path("file"), "x");
  EXPECT_EQ(flags_of(path("file")), 0);
  ASSERT_EQ(set_flags(path("file"), FS_IMMUTABLE_FL | FS_APPEND_FL), 0);
  EXPECT_EQ(set_flags(path("file"), FS_NODUMP_FL), EOPNOTSUPP);
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(flags_of(path("file")), FS_IMMUTABLE_FL | FS_APPEND_FL);

  const Descriptor file(path("file"), O_RDONLY);
  fsxattr extended{};
  ASSERT_EQ(::ioctl(file.get(), FS_IOC_FSGETXATTR, &extended), 0) << std::strerror(errno);
  EXPECT_EQ(extended.fsx_xflags, std::uint32_t{FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND});
  extended.fsx_xflags = 0;
  ASSERT_EQ(::ioctl(file.get(), FS_IOC_FSSETXATTR, &extended), 0) << std::strerror(errno);
  EXPECT_EQ(flags_of(path("file")), 0);
}

TEST_F(ProtectionTest, AnAppendOnlyFileOfAnEarlierMountTakesAppends) {
  // The first write of a mount drops the file's capabilities, and nobody knows yet that there are none.
  const std::string capabilities("\0\0\0\2",
                                 4);  // VFS_CAP_REVISION_2, little-endian, and none of them
  for (const bool capable : {false, true}) {
    const std::string file = path(capable ? "capable" : "plain");
    write_file(file, "first ");
    const std::string value = capabilities + std::string(16, '\0');
    if (capable) {
      ASSERT_EQ(::setxattr(file.c_str(), "security.capability", value.data(), value.size(), 0), 0)
          << std::strerror(errno);
    }
    ASSERT_EQ(set_flags(file, FS_APPEND_FL), 0);
    mounted().reopen();
    ASSERT_TRUE(mounted().ready());
    EXPECT_EQ(capable ? error_of(::removexattr(file.c_str(), "security.capability")) : EPERM,
              EPERM);
    const Descriptor log(file, O_WRONLY | O_APPEND);
    EXPECT_EQ(::write(log.get(), "second", 6), 6) << std::strerror(errno);
    EXPECT_EQ(::fsync(log.get()), 0) << std::strerror(errno);
    EXPECT_EQ(read_file(file), "first second");
  }
}

TEST_F(ProtectionTest, AnImmutableFileIsChangedByNothing) {
  const std::string file = path("file");
  write_file(file, "bytes");
  const Descriptor early(file, O_RDWR);
  ASSERT_EQ(set_flags(file, FS_IMMUTABLE_FL), 0);
  EXPECT_EQ(open_error(file, O_WRONLY | O_APPEND), EPERM);
  EXPECT_EQ(open_error(file, O_RDONLY | O_TRUNC), EPERM);
  EXPECT_EQ(error_of(::ftruncate(early.get(), 0)), EPERM);
  EXPECT_EQ(error_of(::fallocate(early.get(), 0, 0, 100'000)), EPERM);
  const Descriptor other(path("other"), O_RDWR | O_CREAT);
  write_at(other, "other bytes", 0);
  EXPECT_EQ(::copy_file_range(other.get(), nullptr, early.get(), nullptr, 5, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(error_of(::unlink(file.c_str())), EPERM);
  EXPECT_EQ(error_of(::rename(file.c_str(), path("moved").c_str())), EPERM);
  EXPECT_EQ(error_of(::rename(path("other").c_str(), file.c_str())), EPERM);
  EXPECT_EQ(error_of(::renameat2(AT_FDCWD, path("other").c_str(), AT_FDCWD, file.c_str(),
                                 RENAME_EXCHANGE)),
            EPERM);
  EXPECT_EQ(error_of(::link(file.c_str(), path("linked").c_str())), EPERM);
  EXPECT_EQ(error_of(::chmod(file.c_str(), 0600)), EPERM);
  EXPECT_EQ(error_of(::chown(file.c_str(), 1, 1)), EPERM);
  EXPECT_EQ(error_of(::utimensat(AT_FDCWD, file.c_str(), nullptr, 0)), EPERM);
  EXPECT_EQ(error_of(::setxattr(file.c_str(), "user.a", "b", 1, 0)), EPERM);
  EXPECT_EQ(read_file(file), "bytes");
  EXPECT_EQ(set_flags(file, 0), 0);
  EXPECT_EQ(::unlink(file.c_str()), 0) << std::strerror(errno);
}

// What was written before is still the kernel's to hand over: it is not lost, and neither are its times.
TEST_F(ProtectionTest, BytesWrittenBeforeTheFlagStay) {
  {
    const Descriptor file(path("file"), O_RDWR | O_CREAT);
    write_at(file, pattern(100'000), 0);
    ASSERT_EQ(set_flags(path("file"), FS_IMMUTABLE_FL), 0);
    ASSERT_EQ(::fsync(file.get()), 0) << std::strerror(errno);
  }
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(read_file(path("file")), pattern(100'000));
  EXPECT_EQ(set_flags(path("file"), 0), 0);
}

TEST_F(ProtectionTest, AnAppendOnlyFileOnlyGrows) {
  const std::string file = path("file");
  write_file(file, "one ");
  const Descriptor reader(file, O_RDONLY);
  EXPECT_EQ(read_all(reader), "one ");
  ASSERT_EQ(set_flags(file, FS_APPEND_FL), 0);
  EXPECT_EQ(open_error(file, O_WRONLY), EPERM);
  EXPECT_EQ(open_error(file, O_WRONLY | O_APPEND | O_TRUNC), EPERM);
  {
    const Descriptor log(file, O_RDWR | O_APPEND);
    ASSERT_EQ(::write(log.get(), "two ", 4), 4) << std::strerror(errno);
    EXPECT_EQ(read_all(reader), "one two ");
    // Nor by who takes O_APPEND off his descriptor, or maps the file.
    ASSERT_EQ(::fcntl(log.get(), F_SETFL, 0), 0);
    EXPECT_EQ(::pwrite(log.get(), "X", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, log.get(), 0), MAP_FAILED);
    EXPECT_EQ(error_of(::fallocate(log.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)),
              EPERM);
  }
  EXPECT_EQ(error_of(::truncate(file.c_str(), 0)), EPERM);
  EXPECT_EQ(error_of(::unlink(file.c_str())), EPERM);
  EXPECT_EQ(::utimensat(AT_FDCWD, file.c_str(), nullptr, 0), 0) << std::strerror(errno);
  const timespec long_ago[2] = {{1, 0}, {1, 0}};
  EXPECT_EQ(error_of(::utimensat(AT_FDCWD, file.c_str(), long_ago, 0)), EPERM);
  EXPECT_EQ(read_file(file), "one two ");
  EXPECT_EQ(set_flags(file, 0), 0);
}

TEST_F(ProtectionTest, DirectoriesKeepTheirEntries) {
  const std::string directory = path("d");
  ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
  write_file(path("d/kept"), "x");
  ASSERT_EQ(set_flags(directory, FS_APPEND_FL), 0);
  write_file(path("d/made"), "y");
  EXPECT_EQ(error_of(::unlink(path("d/kept").c_str())), EPERM);
  EXPECT_EQ(error_of(::rename(path("d/kept").c_str(), path("out").c_str())), EPERM);
  ASSERT_EQ(set_flags(directory, FS_IMMUTABLE_FL), 0);
  EXPECT_EQ(open_error(path("d/more"), O_WRONLY | O_CREAT), EPERM);
  EXPECT_EQ(open_error(directory, O_RDWR | O_TMPFILE), EPERM);
  EXPECT_EQ(error_of(::mkdir(path("d/sub").c_str(), 0755)), EPERM);
  EXPECT_EQ(error_of(::rename(directory.c_str(), path("e").c_str())), EPERM);
  write_file(path("d/kept"), "files in it are not protected");
  EXPECT_EQ(set_flags(directory, 0), 0);
  EXPECT_EQ(::unlink(path("d/kept").c_str()), 0) << std::strerror(errno);
}

TEST_F(ProtectionTest, TheOtherDoorIsRefusedToo) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  write_file(path("bucket/key"), "bytes");
  ASSERT_EQ(set_flags(path("bucket/key"), FS_IMMUTABLE_FL), 0);
  Objects& objects = mounted().vault().objects();
  const auto removed = objects.remove("bucket", "key", {}, Durability::Relaxed);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Errc::Permission);
  auto writer = objects.begin_put("bucket", "key");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write(as_bytes(std::string_view("others"))));
  const auto put = (*writer)->commit({}, {}, Durability::Relaxed);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::Permission);
  EXPECT_EQ(read_file(path("bucket/key")), "bytes");
  ASSERT_EQ(set_flags(path("bucket/key"), 0), 0);
  EXPECT_TRUE(objects.remove("bucket", "key", {}, Durability::Relaxed));
}

}  // namespace
}  // namespace coffer::fuse::testing
