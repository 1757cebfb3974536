// How a mount begins and ends: takeover, busy, stop, and what the kernel still knows.

#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "coffer/fuse/mount_table.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

using MountLife = MountTest;

TEST_F(MountLife, UnmountIsRefusedWhileAFileIsOpen) {
  Descriptor file(path("file"), O_RDWR | O_CREAT);
  const Result<void> refused = mounted().mounted().unmount();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Busy);
  write_at(file, "still here", 0);
  file.close();
  EXPECT_TRUE(mounted().mounted().unmount());
  mounted().mounted().wait();
  EXPECT_FALSE(exists(path("file")));
}

TEST_F(MountLife, StopFlushesWhatIsDirtyAlsoWhenBusy) {
  const std::string bytes = pattern(1'500'000);
  const int fd = ::open(path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::pwrite(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  mounted().mounted().stop();
  const bool refused = ::pwrite(fd, "lost", 4, 0) != 4 || ::fsync(fd) != 0;
  EXPECT_TRUE(refused) << "the connection has ended";
  ::close(fd);
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_TRUE(read_file(path("file")) == bytes) << "what was dirty is lost";
}

TEST_F(MountLife, AnUnmountFromOutsideEndsTheWait) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs umount";
  std::thread waiter([this] { mounted().mounted().wait(); });
  ASSERT_EQ(::umount2(mounted().root().c_str(), 0), 0) << std::strerror(errno);
  waiter.join();
  EXPECT_TRUE(mounted().mounted().wait_for(std::chrono::milliseconds(0)));
}

// As a container that was started meanwhile does: its namespace holds a copy of the mount.
TEST_F(MountLife, AMountHeldByAnotherNamespaceDoesNotKeepStopWaiting) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs unshare";
  int ready[2];
  int finish[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(finish), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    ::close(finish[1]);
    static_cast<void>(::unshare(CLONE_NEWNS));
    static_cast<void>(::write(ready[1], "r", 1));
    char byte = 0;
    static_cast<void>(::read(finish[0], &byte, 1));  // until the test has closed its end
    ::_exit(0);
  }
  ::close(finish[0]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  write_file(path("file"), "x");
  mounted().close();
  ::close(finish[1]);
  ASSERT_EQ(::waitpid(holder, nullptr, 0), holder);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(MountLife, AMountOnTopIsNobodysToTakeAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs mount";
  const std::string bytes = pattern(1'500'000);
  const int fd = ::open(path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::pwrite(fd, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  ASSERT_EQ(::mount("cover", mounted().root().c_str(), "tmpfs", 0, nullptr), 0);
  const Result<void> refused = mounted().mounted().unmount();
  EXPECT_TRUE(!refused && refused.error().code == Errc::Busy);
  mounted().mounted().stop();
  const auto top = top_mount(mounted().root());
  const bool covered = top && top->type == "tmpfs";
  EXPECT_TRUE(covered) << "the mount on top is gone";
  ::close(fd);
  mounted().close();
  if (covered) {
    ASSERT_EQ(::umount2(mounted().root().c_str(), 0), 0);
  }
  EXPECT_TRUE(is_stale_mountpoint(mounted().root()));
  ASSERT_TRUE(mounted().open());
  mounted().mount();
  ASSERT_TRUE(mounted().ready());
  EXPECT_TRUE(read_file(path("file")) == bytes) << "what was dirty is lost";
}

TEST_F(MountLife, AfterALazyUnmountFilesGoOnUntilTheLastClose) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs umount";
  Descriptor file(path("file"), O_RDWR | O_CREAT);
  ASSERT_TRUE(unmount_path(mounted().root(), Unmount::Lazily));
  const Result<void> refused = mounted().mounted().unmount();
  EXPECT_TRUE(!refused && refused.error().code == Errc::Busy);
  write_at(file, "still here", 0);
  file.close();
  EXPECT_TRUE(mounted().mounted().wait_for(std::chrono::seconds(10)));
  EXPECT_TRUE(mounted().mounted().unmount());
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(read_file(path("file")), "still here");
}

TEST_F(MountLife, RemountChangesWhatItNamesAndNothingElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs mount";
  mounted().unmount();
  MountOptions options;
  options.extra = "noexec,dev";
  mounted().mount(options);
  ASSERT_TRUE(mounted().ready());
  ASSERT_TRUE(remount_path(mounted().root(), "remount,ro"));
  struct statvfs space {};
  ASSERT_EQ(::statvfs(mounted().root().c_str(), &space), 0);
  EXPECT_EQ(space.f_flag & (ST_RDONLY | ST_NOEXEC | ST_NODEV | ST_NOSUID),
            static_cast<unsigned long>(ST_RDONLY | ST_NOEXEC | ST_NOSUID));
  ASSERT_TRUE(remount_path(mounted().root(), "rw"));
  write_file(path("file"), "x");
}

TEST_F(MountLife, AMountpointOfADeadDaemonIsTakenOver) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs mount";
  mounted().unmount();
  // What a killed daemon leaves: a mount whose descriptor is closed.
  const int fd = ::open("/dev/fuse", O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string data = "fd=" + std::to_string(fd) + ",rootmode=40000,user_id=0,group_id=0";
  ASSERT_EQ(::mount("dead", mounted().root().c_str(), "fuse.coffer", 0, data.c_str()), 0);
  ::close(fd);
  EXPECT_TRUE(is_stale_mountpoint(mounted().root()));
  mounted().mount();
  ASSERT_TRUE(mounted().ready());
  EXPECT_FALSE(is_stale_mountpoint(mounted().root()));
  write_file(path("file"), "alive");
  EXPECT_EQ(read_file(path("file")), "alive");
}

TEST_F(MountLife, AReadOnlyMountTakesNoWrites) {
  write_file(path("file"), "x");
  mounted().unmount();
  MountOptions options;
  options.read_only = true;
  mounted().mount(options);
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(read_file(path("file")), "x");
  EXPECT_EQ(::open(path("new").c_str(), O_CREAT | O_WRONLY, 0644), -1);
  EXPECT_EQ(errno, EROFS);
}

TEST_F(MountLife, UnknownOptionsAreRefusedAndNothingIsMounted) {
  mounted().unmount();
  MountOptions options;
  options.mountpoint = mounted().root();
  options.extra = "noexec,frobnicate";
  const auto refused = Mount::start(mounted().vault(), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::InvalidArgument);
  options.extra = "noexec,nosuid";
  options.mountpoint += "/absent";
  const auto absent = Mount::start(mounted().vault(), options);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::NotFound);
}

TEST_F(MountLife, SmallWritesReachUsTogetherAndCostNoAttributeRequests) {
  const Descriptor file(path("file"), O_WRONLY | O_CREAT);
  const std::uint64_t writes = mounted().requests(FUSE_WRITE);
  const std::uint64_t xattrs = mounted().requests(FUSE_GETXATTR);
  for (int i = 0; i < 40; ++i) write_at(file, pattern(1000), i * 1000);
  ASSERT_EQ(::fsync(file.get()), 0);
  EXPECT_LE(mounted().requests(FUSE_WRITE) - writes, 4U);
  EXPECT_LE(mounted().requests(FUSE_GETXATTR) - xattrs, 1U);
}

TEST_F(MountLife, WhatIsCachedIsNotAskedAgain) {
  write_file(path("file"), "x");
  EXPECT_FALSE(exists(path("absent")));
  stat_of(path("file"));
  const MountStatistics before = mounted().mounted().statistics();
  for (int i = 0; i < 10; ++i) {
    stat_of(path("file"));
    EXPECT_FALSE(exists(path("absent")));
  }
  EXPECT_EQ(mounted().mounted().statistics().requests_total(), before.requests_total());
}

void storm(const std::string& root, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto name = [&] { return root + "/" + std::to_string(random() % 20); };
  for (int step = 0; step < 1500; ++step) {
    const std::string one = name();
    const std::string two = name();
    switch (random() % 12) {
      case 0:
      case 1: {
        const int fd = ::open(one.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) break;
        static_cast<void>(::write(fd, "bytes", 5));
        if (random() % 2 == 0) ::unlink(one.c_str());
        ::close(fd);
        break;
      }
      case 2:
        ::mkdir(one.c_str(), 0755);
        break;
      case 3:
        ::rmdir(one.c_str());
        break;
      case 4:
        ::unlink(one.c_str());
        break;
      case 5:
        ::rename(one.c_str(), two.c_str());
        break;
      case 6:
        static_cast<void>(::link(one.c_str(), two.c_str()));
        break;
      case 7:
        static_cast<void>(::symlink("target", one.c_str()));
        break;
      case 8:
        ::mkfifo(one.c_str(), 0600);
        break;
      case 9: {
        const int fd = ::open(root.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) ::close(fd);
        break;
      }
      case 10: {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(root, error))
          static_cast<void>(entry.is_directory(error));
        break;
      }
      default: {
        struct stat seen {};
        ::lstat(one.c_str(), &seen);
      }
    }
  }
}

TEST_F(MountLife, AfterAStormAndDroppedCachesOnlyTheRootIsKnown) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs drop_caches";
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([this, seed, t] { storm(mounted().root(), seed + t); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(mounted().mounted().statistics().inodes_known, 1U);
  // RELEASE and FORGET come some time after close and drop_caches returned.
  for (int attempt = 0; attempt < 200; ++attempt) {
    std::ofstream("/proc/sys/vm/drop_caches") << "2\n";
    if (mounted().mounted().statistics().inodes_known == 1) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(mounted().mounted().statistics().inodes_known, 1U);
}

}  // namespace
}  // namespace coffer::fuse::testing
