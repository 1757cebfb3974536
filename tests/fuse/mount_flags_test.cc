/// What the flags of a mount mean for its files: suid, dev, exec, dirsync, allow_other.

#include <linux/fuse.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace {
std::atomic<std::uint64_t> data_syncs{0};
}

/// Takes the place of libc's: counts what the vault makes lasting.
extern "C" int fdatasync(int fd) {
  ++data_syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace coffer::fuse::testing {
namespace {

constexpr uid_t kWriter = 61001;
constexpr uid_t kCaller = 61002;

/// The exit status of `body` in a child process of another user; 128 and more: a signal.
int as_user(uid_t user, const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class MountFlags : public MountTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    MountTest::SetUp();
  }
  bool mount_with(const std::string& words) {
    mounted().unmount();
    MountOptions options;
    options.extra = words;
    options.allow_other = true;
    mounted().mount(options);
    // Others must reach the mountpoint.
    std::filesystem::permissions(std::filesystem::path(mounted().root()).parent_path(),
                                 std::filesystem::perms(0755));
    return mounted().ready();
  }
};

/// Runs a suid copy of test(1) as a user: 0 when it ran as root, 1 when as the user.
int run_suid(const std::string& program) {
  return as_user(kCaller, [&] {
    // `test -r`: of a file that only root may read.
    ::execl(program.c_str(), "test", "-r", "/etc/shadow", nullptr);
    return 98;
  });
}

// A WRITE that clears suid answers with no mode, and exec asks for none that it believes to know.
TEST_F(MountFlags, AfterAWriteByAnotherASuidProgramRunsAsItsCaller) {
  ASSERT_TRUE(mount_with("suid"));
  ASSERT_TRUE(std::filesystem::copy_file("/usr/bin/test", path("test")));
  ASSERT_EQ(::chmod(path("test").c_str(), 04777), 0);
  ASSERT_EQ(run_suid(path("test")), 0) << "suid is not honoured, so this test can show nothing";
  ASSERT_EQ(as_user(kWriter,
                    [&] {
                      const int fd = ::open(path("test").c_str(), O_WRONLY | O_APPEND);
                      return fd >= 0 && ::write(fd, "x", 1) == 1 && ::close(fd) == 0 ? 0 : 1;
                    }),
            0);
  EXPECT_EQ(run_suid(path("test")), 1) << "it still ran as root";
}

TEST_F(MountFlags, WithoutSuidDevAndExecNoneIsHonoured) {
  ASSERT_TRUE(mount_with("noexec"));
  ASSERT_TRUE(std::filesystem::copy_file("/usr/bin/test", path("test")));
  ASSERT_EQ(::chmod(path("test").c_str(), 04777), 0);
  EXPECT_EQ(run_suid(path("test")), 98);
  ASSERT_EQ(::mknod(path("null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  EXPECT_EQ(error_of(::open(path("null").c_str(), O_RDONLY) < 0 ? -1 : 0), EACCES);
  ASSERT_TRUE(mount_with("dev"));
  EXPECT_EQ(run_suid(path("test")), 1) << "nosuid is the default";
  const Descriptor null(path("null"), O_WRONLY);
  write_at(null, "gone", 0);
}

int make_directories(const std::string& root, int from, int count) {
  const std::uint64_t before = data_syncs;
  for (int i = from; i < from + count; ++i)
    EXPECT_EQ(::mkdir((root + "/" + std::to_string(i)).c_str(), 0755), 0);
  return static_cast<int>(data_syncs - before);
}

TEST_F(MountFlags, WithDirsyncEveryChangeOfNamesIsSynced) {
  // The background commit may sync once or twice meanwhile.
  EXPECT_LT(make_directories(mounted().root(), 0, 20), 20);
  ASSERT_TRUE(mount_with("dirsync"));
  EXPECT_GE(make_directories(mounted().root(), 20, 20), 20);
  const auto syncs = [&](const std::function<int()>& change) {
    const std::uint64_t before = data_syncs;
    EXPECT_EQ(change(), 0) << std::strerror(errno);
    return data_syncs - before;
  };
  const std::string file = path("file");
  int fd = -1;
  EXPECT_GT(syncs([&] { return (fd = ::open(file.c_str(), O_CREAT | O_WRONLY, 0644)) < 0; }), 0U);
  ::close(fd);
  EXPECT_GT(syncs([&] { return ::link(file.c_str(), path("link").c_str()); }), 0U);
  EXPECT_GT(syncs([&] { return ::rename(file.c_str(), path("moved").c_str()); }), 0U);
  EXPECT_GT(syncs([&] { return ::unlink(path("link").c_str()); }), 0U);
  EXPECT_GT(syncs([&] { return ::rmdir(path("0").c_str()); }), 0U);
  EXPECT_GT(syncs([&] { return ::symlink("to", path("symlink").c_str()); }), 0U);
}

TEST_F(MountFlags, AnFsyncOfADirectorySyncs) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  const Descriptor directory(path("d"), O_RDONLY | O_DIRECTORY);
  for (int round = 0; round < 2; ++round) {  // an ENOSYS would make all but the first succeed unasked
    ASSERT_EQ(::mkdir(path("d/" + std::to_string(round)).c_str(), 0755), 0);
    const std::uint64_t before = data_syncs;
    ASSERT_EQ(::fsync(directory.get()), 0);
    EXPECT_GT(data_syncs, before);
  }
  EXPECT_EQ(mounted().requests(FUSE_FSYNCDIR), 2U);
}

TEST_F(MountFlags, TheKernelReadsAMegabyteAhead) {
  const struct stat root = stat_of(mounted().root());
  std::ifstream file("/sys/class/bdi/" + std::to_string(major(root.st_dev)) + ":" +
                     std::to_string(minor(root.st_dev)) + "/read_ahead_kb");
  if (!file) GTEST_SKIP() << "no /sys here";
  int kib = 0;
  file >> kib;
  EXPECT_EQ(kib, 1024);
}

TEST_F(MountFlags, WithSyncEveryWriteIsAnFsync) {
  ASSERT_TRUE(mount_with("sync"));
  const Descriptor file(path("file"), O_WRONLY | O_CREAT);
  const std::uint64_t before = mounted().requests(FUSE_FSYNC);
  for (int i = 0; i < 3; ++i) write_at(file, "x", i);
  EXPECT_EQ(mounted().requests(FUSE_FSYNC) - before, 3U);
}

}  // namespace
}  // namespace coffer::fuse::testing
