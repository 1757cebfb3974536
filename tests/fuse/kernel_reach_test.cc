/// Operations that libfuse 3.14 does not hand on, and those that the kernel does not.

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>

#include <sys/ioctl.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "fuse/wire.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

using KernelReach = MountTest;

int rename_with(const std::string& from, const std::string& to, unsigned flags) {
  return error_of(::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags));
}

bool is_whiteout(const std::string& path) {
  const struct stat seen = stat_of(path);
  return S_ISCHR(seen.st_mode) && seen.st_rdev == makedev(0, 0);
}

void drop_kernel_caches() {
  ::sync();
  std::ofstream("/proc/sys/vm/drop_caches") << 2;
}

TEST_F(KernelReach, AWhiteoutTakesThePlaceOfWhatMoved) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_MKNOD";
  write_file(path("file"), "bytes");
  write_file(path("other"), "replaced");
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  write_file(path("d/below"), "x");
  EXPECT_EQ(rename_with(path("file"), path("other"), RENAME_WHITEOUT | RENAME_NOREPLACE), EEXIST);
  ASSERT_EQ(rename_with(path("file"), path("other"), RENAME_WHITEOUT), 0) << std::strerror(errno);
  ASSERT_EQ(rename_with(path("d"), path("e"), RENAME_WHITEOUT), 0) << std::strerror(errno);
  EXPECT_EQ(rename_with(path("other"), path("e"), RENAME_WHITEOUT | RENAME_EXCHANGE), EINVAL);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_TRUE(is_whiteout(path("file")));
    EXPECT_TRUE(is_whiteout(path("d")));
    EXPECT_EQ(read_file(path("other")), "bytes");
    EXPECT_EQ(read_file(path("e/below")), "x");
    if (turn > 0) break;
    mounted().reopen();
    ASSERT_TRUE(mounted().ready());
  }
  EXPECT_EQ(stat_of(mounted().root()).st_nlink, 3U);
  ASSERT_EQ(::unlink(path("d").c_str()), 0) << std::strerror(errno);
}

TEST_F(KernelReach, ACopyOfARangeComesAsOneRequest) {
  const std::string bytes = pattern(300'000);
  write_file(path("from"), bytes);
  const Descriptor from(path("from"), O_RDONLY);
  const Descriptor to(path("to"), O_RDWR | O_CREAT);
  write_at(to, std::string(100, 'x'), 0);
  ASSERT_EQ(::copy_file_range(from.get(), nullptr, to.get(), nullptr, bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()))
      << std::strerror(errno);
  EXPECT_EQ(mounted().requests(FUSE_READ), 0U) << "the kernel copied by hand";
  EXPECT_EQ(mounted().requests(FUSE_COPY_FILE_RANGE) + mounted().requests(kOpcodeCopyFileRange64),
            1U);
  EXPECT_EQ(read_all(to), bytes);
}

// Documented as what no FUSE file system can do (docs/posix.md): should a kernel pass them on one day,
// this test says so.
TEST_F(KernelReach, CollapseInsertAndReflinkEndInTheKernel) {
  const Descriptor file(path("file"), O_RDWR | O_CREAT);
  write_at(file, pattern(100'000), 0);
  const Descriptor other(path("other"), O_RDWR | O_CREAT);
  EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_COLLAPSE_RANGE, 0, 4096)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_INSERT_RANGE, 0, 4096)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::ioctl(other.get(), FICLONE, file.get())), EOPNOTSUPP);
  EXPECT_EQ(mounted().requests(FUSE_FALLOCATE), 0U);
  EXPECT_EQ(mounted().requests(FUSE_IOCTL), 0U);
}

// Documented as well: were SYNCFS sent one day, `sync -f` would sync, and docs/posix.md should say so.
TEST_F(KernelReach, SyncfsEndsInTheKernel) {
  write_file(path("file"), "x");
  const Descriptor root(mounted().root(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::syncfs(root.get()), 0);
  EXPECT_EQ(mounted().requests(kOpcodeSyncFs), 0U);
}

// As an NFS server that is started anew, and a directory whose path the kernel has to find upwards.
TEST_F(KernelReach, AHandleOfADirectoryOutlivesTheMount) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_DAC_READ_SEARCH";
  ASSERT_TRUE(std::filesystem::create_directories(path("a/b/c")));
  write_file(path("a/b/c/file"), "bytes");
  std::vector<char> room(sizeof(file_handle) + MAX_HANDLE_SZ);
  auto* handle = reinterpret_cast<file_handle*>(room.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  ASSERT_EQ(::name_to_handle_at(AT_FDCWD, path("a/b/c").c_str(), handle, &mount_id, 0), 0)
      << std::strerror(errno);
  ASSERT_EQ(::rename(path("a/b").c_str(), path("moved").c_str()), 0);
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  const Descriptor mount(mounted().root(), O_RDONLY | O_DIRECTORY);
  const Descriptor directory(
      ::open_by_handle_at(mount.get(), handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string self = "/proc/self/fd/" + std::to_string(directory.get());
  EXPECT_EQ(std::filesystem::read_symlink(self), path("moved/c"));
  EXPECT_EQ(read_file(self + "/file"), "bytes");
  const Descriptor parent(::openat(directory.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat up {};
  ASSERT_EQ(::fstat(parent.get(), &up), 0);
  EXPECT_EQ(up.st_ino, stat_of(path("moved")).st_ino);
}

// As an NFS server does: a handle outlives every name and cache of the kernel's.
TEST_F(KernelReach, AHandleOpensAfterTheCachesWereDropped) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_DAC_READ_SEARCH";
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  write_file(path("d/file"), "bytes");
  std::vector<char> room(sizeof(file_handle) + MAX_HANDLE_SZ);
  auto* handle = reinterpret_cast<file_handle*>(room.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  ASSERT_EQ(::name_to_handle_at(AT_FDCWD, path("d/file").c_str(), handle, &mount_id, 0), 0)
      << std::strerror(errno);
  ASSERT_EQ(::rename(path("d/file").c_str(), path("moved").c_str()), 0);
  drop_kernel_caches();
  const Descriptor mount(mounted().root(), O_RDONLY | O_DIRECTORY);
  {
    const Descriptor file(::open_by_handle_at(mount.get(), handle, O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(read_all(file), "bytes");
  }
  ASSERT_EQ(::unlink(path("moved").c_str()), 0);
  drop_kernel_caches();
  EXPECT_EQ(::open_by_handle_at(mount.get(), handle, O_RDONLY | O_CLOEXEC), -1);
  EXPECT_EQ(errno, ESTALE);
}

TEST_F(KernelReach, ATemporaryFileThatIsExclusiveGetsNoName) {
  const Descriptor file(mounted().root(), O_TMPFILE | O_RDWR | O_EXCL, 0600);
  const std::string self = "/proc/self/fd/" + std::to_string(file.get());
  EXPECT_EQ(error_of(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path("named").c_str(),
                              AT_SYMLINK_FOLLOW)),
            ENOENT);
}

}  // namespace
}  // namespace coffer::fuse::testing
