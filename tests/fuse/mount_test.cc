#include "coffer/fuse/mount.h"

#include <dirent.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <map>
#include <set>
#include <thread>
#include <vector>

#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  EXPECT_NE(directory, nullptr) << std::strerror(errno);
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  return names;
}

TEST_F(MountTest, AFileIsReadBackAlsoAfterReopening) {
  const std::string bytes = pattern(3'000'001);
  write_file(path("file"), bytes);
  EXPECT_EQ(read_file(path("file")), bytes);
  EXPECT_EQ(stat_of(path("file")).st_size, 3'000'001);
  EXPECT_GT(stat_of(path("file")).st_blocks, 0) << "tar would take it for a hole";
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(read_file(path("file")), bytes);
}

TEST_F(MountTest, AttributesAreKeptAndChanged) {
  const Descriptor file(path("file"), O_RDWR | O_CREAT, 0640);
  EXPECT_EQ(stat_of(path("file")).st_mode, static_cast<mode_t>(S_IFREG | 0640));
  ASSERT_EQ(::chmod(path("file").c_str(), 0751), 0);
  EXPECT_EQ(stat_of(path("file")).st_mode, static_cast<mode_t>(S_IFREG | 0751));
  const timespec times[2] = {{1'000'000'000, 123'456'789}, {-5, 999'999'999}};
  ASSERT_EQ(::futimens(file.get(), times), 0);
  const struct stat now = stat_of(path("file"));
  EXPECT_EQ(now.st_atim.tv_sec, 1'000'000'000);
  EXPECT_EQ(now.st_atim.tv_nsec, 123'456'789);
  EXPECT_EQ(now.st_mtim.tv_sec, -5);
  EXPECT_EQ(now.st_mtim.tv_nsec, 999'999'999);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path("file").c_str(), 1234, 5678), 0);
    EXPECT_EQ(stat_of(path("file")).st_uid, 1234U);
    EXPECT_EQ(stat_of(path("file")).st_gid, 5678U);
  }
}

TEST_F(MountTest, StatxTellsTheBirthTime) {
  const timespec old[2] = {{1, 0}, {1, 0}};
  write_file(path("file"), "x");
  ASSERT_EQ(::utimensat(AT_FDCWD, path("file").c_str(), old, 0), 0);
  struct statx seen {};
  ASSERT_EQ(::statx(AT_FDCWD, path("file").c_str(), 0, STATX_BASIC_STATS | STATX_BTIME, &seen), 0);
  EXPECT_NE(seen.stx_mask & STATX_BTIME, 0U);
  EXPECT_GT(seen.stx_btime.tv_sec, 1'600'000'000);
  EXPECT_EQ(seen.stx_mtime.tv_sec, 1);
}

TEST_F(MountTest, TruncateShrinksAndGrowsWithZeros) {
  write_file(path("file"), pattern(100'000));
  ASSERT_EQ(::truncate(path("file").c_str(), 10), 0);
  EXPECT_EQ(read_file(path("file")), pattern(100'000).substr(0, 10));
  ASSERT_EQ(::truncate(path("file").c_str(), 5000), 0);
  EXPECT_EQ(read_file(path("file")), pattern(100'000).substr(0, 10) + std::string(4990, '\0'));
  write_file(path("file"), "short");  // O_TRUNC
  EXPECT_EQ(read_file(path("file")), "short");
}

TEST_F(MountTest, RenameReplacesRefusesAndExchanges) {
  write_file(path("a"), "A");
  write_file(path("b"), "B");
  EXPECT_EQ(error_of(::renameat2(AT_FDCWD, path("a").c_str(), AT_FDCWD, path("b").c_str(),
                                 RENAME_NOREPLACE)),
            EEXIST);
  ASSERT_EQ(::renameat2(AT_FDCWD, path("a").c_str(), AT_FDCWD, path("b").c_str(), RENAME_EXCHANGE),
            0);
  EXPECT_EQ(read_file(path("a")), "B");
  EXPECT_EQ(read_file(path("b")), "A");
  ASSERT_EQ(::rename(path("a").c_str(), path("b").c_str()), 0);
  EXPECT_FALSE(exists(path("a")));
  EXPECT_EQ(read_file(path("b")), "B");
}

TEST_F(MountTest, DirectoriesNestAndAreRemovedWhenEmpty) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(path("d/e").c_str(), 0700), 0);
  EXPECT_EQ(stat_of(path("d")).st_nlink, 3U);
  EXPECT_EQ(error_of(::rmdir(path("d").c_str())), ENOTEMPTY);
  EXPECT_EQ(error_of(::mkdir(path("d").c_str(), 0755)), EEXIST);
  ASSERT_EQ(::rename(path("d/e").c_str(), path("f").c_str()), 0);
  EXPECT_EQ(stat_of(path("d")).st_nlink, 2U);
  ASSERT_EQ(::rmdir(path("d").c_str()), 0);
  EXPECT_EQ(error_of(::unlink(path("f").c_str())), EISDIR);
  EXPECT_FALSE(exists(path("d")));
}

TEST_F(MountTest, ASgidDirectoryHandsItsGroupOn) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs chown";
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  ASSERT_EQ(::chown(path("d").c_str(), 0, 4321), 0);
  ASSERT_EQ(::chmod(path("d").c_str(), 02755), 0);
  write_file(path("d/file"), "x");
  ASSERT_EQ(::mkdir(path("d/sub").c_str(), 0755), 0);
  EXPECT_EQ(stat_of(path("d/file")).st_gid, 4321U);
  EXPECT_EQ(stat_of(path("d/sub")).st_gid, 4321U);
  EXPECT_EQ(stat_of(path("d/sub")).st_mode & 07777, 02755U);
}

TEST_F(MountTest, AThousandEntriesAreListedOnceAndSeekWorks) {
  std::set<std::string> wanted = {".", ".."};
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "entry-" + std::to_string(i);
    write_file(path("d/" + name), "");
    wanted.insert(name);
  }
  const std::vector<std::string> seen = names_in(path("d"));
  EXPECT_EQ(seen.size(), wanted.size());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), wanted);

  DIR* directory = ::opendir(path("d").c_str());
  ASSERT_NE(directory, nullptr);
  std::map<std::string, long> place;
  while (const dirent* entry = ::readdir(directory)) place[entry->d_name] = entry->d_off;
  ::seekdir(directory, place["entry-500"]);
  std::size_t after = 0;
  while (const dirent* entry = ::readdir(directory)) {
    EXPECT_STRNE(entry->d_name, "entry-500");
    ++after;
  }
  EXPECT_LT(after, 1000U);
  ::closedir(directory);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(::unlink(path("d/entry-" + std::to_string(i)).c_str()), 0);
  EXPECT_EQ(names_in(path("d")).size(), 2U);
}

TEST_F(MountTest, RemovingWhileListingSkipsNothingThatStays) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  for (int i = 0; i < 500; ++i) write_file(path("d/" + std::to_string(i)), "");
  DIR* directory = ::opendir(path("d").c_str());
  ASSERT_NE(directory, nullptr);
  std::set<std::string> seen;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name[0] == '.') continue;
    EXPECT_TRUE(seen.insert(name).second) << name << " was listed twice";
    ASSERT_EQ(::unlink(path("d/" + name).c_str()), 0);  // as rm -r does
  }
  ::closedir(directory);
  EXPECT_EQ(seen.size(), 500U);
  EXPECT_EQ(::rmdir(path("d").c_str()), 0) << std::strerror(errno);
}

TEST_F(MountTest, DotsNameTheirInodes) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  DIR* directory = ::opendir(path("d").c_str());
  ASSERT_NE(directory, nullptr);
  while (const dirent* entry = ::readdir(directory)) {
    if (std::string_view(entry->d_name) == ".") {
      EXPECT_EQ(entry->d_ino, stat_of(path("d")).st_ino);
    } else {
      EXPECT_EQ(entry->d_ino, stat_of(path(".")).st_ino);
    }
  }
  ::closedir(directory);
}

TEST_F(MountTest, HardLinksShareOneInode) {
  write_file(path("a"), "shared");
  ASSERT_EQ(::link(path("a").c_str(), path("b").c_str()), 0);
  EXPECT_EQ(stat_of(path("a")).st_nlink, 2U);
  EXPECT_EQ(stat_of(path("a")).st_ino, stat_of(path("b")).st_ino);
  ASSERT_EQ(::unlink(path("a").c_str()), 0);
  EXPECT_EQ(read_file(path("b")), "shared");
  EXPECT_EQ(stat_of(path("b")).st_nlink, 1U);
}

TEST_F(MountTest, SymlinksFifosAndSocketsAreKept) {
  const std::string target(4000, 't');
  ASSERT_EQ(::symlink(target.c_str(), path("link").c_str()), 0);
  char buffer[4096];
  ASSERT_EQ(::readlink(path("link").c_str(), buffer, sizeof(buffer)), 4000);
  EXPECT_EQ(std::string_view(buffer, 4000), target);
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(S_ISFIFO(stat_of(path("fifo")).st_mode));
  ASSERT_EQ(::mknod(path("socket").c_str(), S_IFSOCK | 0600, 0), 0);
  EXPECT_TRUE(S_ISSOCK(stat_of(path("socket")).st_mode));
  if (::geteuid() == 0) {
    ASSERT_EQ(::mknod(path("device").c_str(), S_IFCHR | 0600, makedev(7, 300)), 0);
    EXPECT_EQ(stat_of(path("device")).st_rdev, makedev(7, 300));
  }
}

TEST_F(MountTest, AnUnlinkedOpenFileWorksUntilItsLastClose) {
  Descriptor file(path("file"), O_RDWR | O_CREAT);
  write_at(file, "first", 0);
  ASSERT_EQ(::unlink(path("file").c_str()), 0);
  EXPECT_FALSE(exists(path("file")));
  write_at(file, pattern(200'000), 5);
  ASSERT_EQ(::fsync(file.get()), 0);
  EXPECT_EQ(read_all(file), "first" + pattern(200'000));
  struct stat now {};
  ASSERT_EQ(::fstat(file.get(), &now), 0);
  EXPECT_EQ(now.st_nlink, 0U);
  write_file(path("file"), "another");
  EXPECT_EQ(read_file(path("file")), "another");
}

TEST_F(MountTest, ATemporaryFileGetsANameByLinkat) {
  const Descriptor file(mounted().root(), O_TMPFILE | O_RDWR, 0600);
  write_at(file, "nameless", 0);
  const std::string self = "/proc/self/fd/" + std::to_string(file.get());
  ASSERT_EQ(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path("named").c_str(), AT_SYMLINK_FOLLOW), 0)
      << std::strerror(errno);
  EXPECT_EQ(read_file(path("named")), "nameless");
  EXPECT_EQ(stat_of(path("named")).st_nlink, 1U);
}

TEST_F(MountTest, XattrsAreSetListedReplacedAndRemoved) {
  write_file(path("file"), "x");
  const std::string large = pattern(65536);
  const std::string p = path("file");
  ASSERT_EQ(::setxattr(p.c_str(), "user.small", "v", 1, XATTR_CREATE), 0) << std::strerror(errno);
  EXPECT_EQ(error_of(::setxattr(p.c_str(), "user.small", "w", 1, XATTR_CREATE)), EEXIST);
  EXPECT_EQ(error_of(::setxattr(p.c_str(), "user.none", "w", 1, XATTR_REPLACE)), ENODATA);
  ASSERT_EQ(::setxattr(p.c_str(), "user.large", large.data(), large.size(), 0), 0)
      << std::strerror(errno);
  ASSERT_EQ(::setxattr(p.c_str(), "user.empty", "", 0, 0), 0);
  std::string got(65536, '\0');
  EXPECT_EQ(::getxattr(p.c_str(), "user.large", nullptr, 0), 65536);
  EXPECT_EQ(::getxattr(p.c_str(), "user.large", got.data(), got.size()), 65536);
  EXPECT_EQ(got, large);
  EXPECT_EQ(::getxattr(p.c_str(), "user.empty", got.data(), got.size()), 0);
  EXPECT_EQ(::getxattr(p.c_str(), "user.large", got.data(), 5), -1);
  EXPECT_EQ(errno, ERANGE);
  const ssize_t bytes = ::listxattr(p.c_str(), got.data(), got.size());
  ASSERT_GT(bytes, 0);
  std::set<std::string> names;
  for (const char* name = got.data(); name < got.data() + bytes; name += std::strlen(name) + 1)
    names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"user.small", "user.large", "user.empty"}));
  ASSERT_EQ(::removexattr(p.c_str(), "user.large"), 0);
  EXPECT_EQ(::getxattr(p.c_str(), "user.large", nullptr, 0), -1);
  EXPECT_EQ(errno, ENODATA);
}

TEST_F(MountTest, AMappedFileIsWrittenAndRead) {
  const std::string bytes = pattern(1'000'000);
  write_file(path("file"), std::string(bytes.size(), '\0'));
  {
    const Descriptor file(path("file"), O_RDWR);
    void* map = ::mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    ASSERT_NE(map, MAP_FAILED) << std::strerror(errno);
    std::memcpy(map, bytes.data(), bytes.size());
    ASSERT_EQ(::munmap(map, bytes.size()), 0);
  }
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(read_file(path("file")), bytes);
}

TEST_F(MountTest, ASparseFileHasHolesAndZeros) {
  constexpr off_t kFar = off_t{1} << 40;
  const Descriptor file(path("file"), O_RDWR | O_CREAT);
  write_at(file, "end", kFar);
  ASSERT_EQ(::fsync(file.get()), 0);
  struct stat now {};
  ASSERT_EQ(::fstat(file.get(), &now), 0);
  EXPECT_EQ(now.st_size, kFar + 3);
  EXPECT_LT(now.st_blocks, 1024);
  char byte = 'x';
  ASSERT_EQ(::pread(file.get(), &byte, 1, kFar / 2), 1);
  EXPECT_EQ(byte, '\0');
  const off_t data = ::lseek(file.get(), 0, SEEK_DATA);
  EXPECT_GT(data, 0);
  EXPECT_LE(data, kFar);
}

// The kernel asks for data without flushing what it still holds.
TEST_F(MountTest, SeekDataSeesWhatOnlyTheKernelHolds) {
  const std::string bytes = pattern(256 * 1024);
  const Descriptor file(path("file"), O_RDWR | O_CREAT);
  write_at(file, bytes, 1 << 20);
  const Descriptor reader(path("file"), O_RDONLY);
  const off_t data = ::lseek(reader.get(), 0, SEEK_DATA);
  EXPECT_LE(data, 1 << 20);
  EXPECT_GE(data, 0) << std::strerror(errno);
  EXPECT_GE(::lseek(reader.get(), 1 << 20, SEEK_HOLE), (1 << 20) + 256 * 1024);
  std::string got(bytes.size(), '\0');
  ASSERT_EQ(::pread(reader.get(), got.data(), got.size(), 1 << 20),
            static_cast<ssize_t>(got.size()));
  EXPECT_EQ(got, bytes);
}

TEST_F(MountTest, SeekDataSeesADirtyMapping) {
  const Descriptor file(path("file"), O_RDWR | O_CREAT);
  ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
  void* map = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  static_cast<char*>(map)[600'000] = 'x';
  const off_t data = ::lseek(file.get(), 0, SEEK_DATA);
  EXPECT_GE(data, 0) << std::strerror(errno);
  EXPECT_LE(data, 600'000);
  EXPECT_EQ(static_cast<char*>(map)[600'000], 'x');
  ASSERT_EQ(::munmap(map, 1 << 20), 0);
}

TEST_F(MountTest, FallocateExtendsPunchesAndZeroes) {
  const std::string bytes = pattern(300'000);
  const Descriptor file(path("file"), O_RDWR | O_CREAT);
  write_at(file, bytes, 0);
  ASSERT_EQ(::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100'000, 50'000), 0)
      << std::strerror(errno);
  ASSERT_EQ(::fallocate(file.get(), FALLOC_FL_ZERO_RANGE, 200'000, 7), 0) << std::strerror(errno);
  std::string wanted = bytes;
  wanted.replace(100'000, 50'000, 50'000, '\0');
  wanted.replace(200'000, 7, 7, '\0');
  EXPECT_EQ(read_all(file), wanted);
  ASSERT_EQ(::fallocate(file.get(), 0, 0, 400'000), 0) << std::strerror(errno);
  EXPECT_EQ(stat_of(path("file")).st_size, 400'000);
  ASSERT_EQ(::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, 500'000), 0) << std::strerror(errno);
  EXPECT_EQ(stat_of(path("file")).st_size, 400'000);
  EXPECT_EQ(error_of(::fallocate(file.get(), FALLOC_FL_UNSHARE_RANGE, 0, 4096)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::fallocate(file.get(), 0, 0, off_t{1} << 60)), ENOSPC);
}

TEST_F(MountTest, CopyFileRangeCopiesWhatWasWritten) {
  const std::string bytes = pattern(500'000);
  const Descriptor from(path("from"), O_RDWR | O_CREAT);
  const Descriptor to(path("to"), O_RDWR | O_CREAT);
  write_at(from, bytes, 0);
  off_t in = 1000;
  off_t out = 0;
  std::size_t left = bytes.size() - 1000;
  while (left > 0) {
    const ssize_t copied = ::copy_file_range(from.get(), &in, to.get(), &out, left, 0);
    ASSERT_GT(copied, 0) << std::strerror(errno);
    left -= static_cast<std::size_t>(copied);
  }
  EXPECT_EQ(read_all(to), bytes.substr(1000));
}

TEST_F(MountTest, AppendersNeverInterleave) {
  constexpr int kThreads = 4;
  constexpr int kLines = 300;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      const Descriptor file(path("log"), O_WRONLY | O_CREAT | O_APPEND);
      const std::string line = std::string(63, static_cast<char>('a' + t)) + "\n";
      for (int i = 0; i < kLines; ++i) ASSERT_EQ(::write(file.get(), line.data(), line.size()), 64);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string log = read_file(path("log"));
  ASSERT_EQ(log.size(), std::size_t{64} * kThreads * kLines);
  for (std::size_t at = 0; at < log.size(); at += 64)
    ASSERT_EQ(log.substr(at, 64), std::string(63, log[at]) + "\n");
}

TEST_F(MountTest, StatfsTellsTheVaultsSpace) {
  struct statvfs space {};
  ASSERT_EQ(::statvfs(mounted().root().c_str(), &space), 0);
  EXPECT_GT(space.f_blocks, 0U);
  EXPECT_LE(space.f_bavail, space.f_blocks);
  EXPECT_EQ(space.f_namemax, 255U);
}

TEST_F(MountTest, NamesAreBytesUpTo255) {
  const std::string longest(255, 'n');
  write_file(path(longest), "x");
  EXPECT_TRUE(exists(path(longest)));
  EXPECT_EQ(error_of(::mkdir(path(longest + "n").c_str(), 0755)), ENAMETOOLONG);
  const std::string odd = "\x01\xff \"\\\n";
  write_file(path(odd), "odd");
  EXPECT_EQ(read_file(path(odd)), "odd");
  const auto names = names_in(mounted().root());
  EXPECT_NE(std::find(names.begin(), names.end(), odd), names.end());
}

TEST_F(MountTest, AWriteByAnotherUserClearsSuid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to change its user";
  write_file(path("file"), "x");
  ASSERT_EQ(::chmod(path("file").c_str(), 06777), 0);
  ASSERT_EQ(::chmod(mounted().root().c_str(), 0777), 0);
  mounted().unmount();
  MountOptions options;
  options.allow_other = true;
  mounted().mount(options);
  ASSERT_TRUE(mounted().ready());
  ASSERT_EQ(::chmod(mounted().root().c_str(), 0777), 0);
  {
    const Descriptor file(path("file"), O_WRONLY);
    std::thread other([&] {  // setresuid of the thread alone
      ASSERT_EQ(::syscall(SYS_setresuid, -1, 1000, -1), 0);
      write_at(file, "y", 0);
    });
    other.join();
  }
  EXPECT_EQ(stat_of(path("file")).st_mode & 07777, 0777U);
}

TEST_F(MountTest, ChownClearsSuidAndCapability) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs chown";
  write_file(path("file"), "x");
  ASSERT_EQ(::chmod(path("file").c_str(), 04755), 0);
  // cap_net_raw=ep, as setcap writes it: vfs_cap_data revision 2.
  const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};
  const std::string p = path("file");
  ASSERT_EQ(::setxattr(p.c_str(), "security.capability", capability, sizeof(capability), 0), 0)
      << std::strerror(errno);
  ASSERT_EQ(::chown(p.c_str(), 1000, 1000), 0);
  EXPECT_EQ(stat_of(p).st_mode & 07777, 0755U);
  EXPECT_EQ(::getxattr(p.c_str(), "security.capability", nullptr, 0), -1);
  ASSERT_EQ(::setxattr(p.c_str(), "security.capability", capability, sizeof(capability), 0), 0);
  {
    const Descriptor file(p, O_WRONLY);
    write_at(file, "y", 0);
  }
  EXPECT_EQ(::getxattr(p.c_str(), "security.capability", nullptr, 0), -1);
}

TEST_F(MountTest, ChownClearsSuidOfAllButDirectories) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs chown";
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mkdir(path("d").c_str(), 0700), 0);
  for (const char* name : {"fifo", "d"}) {
    ASSERT_EQ(::chmod(path(name).c_str(), 06555), 0);
    ASSERT_EQ(::chown(path(name).c_str(), 1000, 1000), 0);
  }
  EXPECT_EQ(stat_of(path("fifo")).st_mode & 07777, 0555U);
  EXPECT_EQ(stat_of(path("d")).st_mode & 07777, 06555U);
}

}  // namespace
}  // namespace coffer::fuse::testing
