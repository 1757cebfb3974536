/// How many requests of the kernel one operation of a user costs. Their number sets the pace of a client that waits for
/// each answer, so it must not grow unseen. docs/performance.md has the table, and why none of them can go.

#include <dirent.h>
#include <linux/fuse.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse {
namespace {

using namespace testing;

constexpr unsigned kFiles = 100;

/// Requests by opcode: the most that kFiles operations may cost.
using Budget = std::map<std::size_t, std::uint64_t>;

constexpr std::uint64_t each(unsigned requests) { return requests * kFiles; }

class RequestCounts : public MountTest {
 protected:
  /// Runs `operations` and compares what the kernel asked for. What is not in the budget must not come at all, except
  /// FORGETs, which come when the kernel likes.
  template <typename Operations>
  void expect_within(const char* what, const Budget& budget, const Operations& operations) {
    const MountStatistics before = mounted().mounted().statistics();
    operations();
    wait_for_releases();
    const MountStatistics after = mounted().mounted().statistics();
    std::string all;
    for (std::size_t opcode = 0; opcode < after.requests.size(); ++opcode) {
      if (opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET) continue;
      const std::uint64_t came = after.requests[opcode] - before.requests[opcode];
      const auto allowed = budget.find(opcode);
      EXPECT_LE(came, allowed == budget.end() ? 0 : allowed->second)
          << what << ": " << request_name(opcode);
      if (came > 0) all += " " + std::string(request_name(opcode)) + "=" + std::to_string(came);
    }
    std::printf("  %s:%s\n", what, all.c_str());
  }

  /// close(2) does not wait for its RELEASE.
  void wait_for_releases() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto opened = [&] {
      return mounted().requests(FUSE_OPEN) + mounted().requests(FUSE_CREATE);
    };
    while (mounted().requests(FUSE_RELEASE) < opened() &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  }

  void make_files(const std::string& directory, unsigned count = kFiles) {
    ASSERT_EQ(::mkdir(path(directory).c_str(), 0755), 0);
    for (unsigned i = 0; i < count; ++i) write_file(file_in(directory, i), "bytes");
    wait_for_releases();
  }
  [[nodiscard]] std::string file_in(const std::string& directory, unsigned i) const {
    return path(directory + "/file-" + std::to_string(i));
  }
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) first_opendir();
  }
  /// Nothing that the kernel kept of the mount so far is known to the next one.
  void forget_all() {
    mounted().unmount();
    mounted().mount();
    ASSERT_TRUE(mounted().ready());
    first_opendir();
  }
  /// The only OPENDIR of a mount.
  void first_opendir() { ::close(::open(mounted().root().c_str(), O_RDONLY | O_DIRECTORY)); }
  void list(const std::string& directory) {
    DIR* open = ::opendir(path(directory).c_str());
    ASSERT_NE(open, nullptr);
    while (::readdir(open) != nullptr) {
    }
    ::closedir(open);
  }
};

TEST_F(RequestCounts, OpenReadCloseOfACachedFile) {
  make_files("d");
  const auto read_all_files = [&] {
    for (unsigned i = 0; i < kFiles; ++i) EXPECT_EQ(read_file(file_in("d", i)), "bytes");
  };
  read_all_files();
  wait_for_releases();
  expect_within("open, read, close, cached",
                {{FUSE_OPEN, each(1)}, {FUSE_FLUSH, each(1)}, {FUSE_RELEASE, each(1)}},
                read_all_files);
}

TEST_F(RequestCounts, CreateWriteClose) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  const std::string block(4096, 'b');
  expect_within("create, write 4 KiB, close",
                {{FUSE_LOOKUP, each(1)},
                 {FUSE_CREATE, each(1)},
                 {FUSE_GETATTR, each(1)},
                 {FUSE_GETXATTR, each(1)},
                 {FUSE_WRITE, each(1)},
                 {FUSE_SETATTR, each(1)},
                 {FUSE_FLUSH, each(1)},
                 {FUSE_RELEASE, each(1)}},
                [&] {
                  for (unsigned i = 0; i < kFiles; ++i) write_file(file_in("d", i), block);
                });
}

TEST_F(RequestCounts, StatOfMissingAndPresentNames) {
  make_files("d");
  forget_all();
  const auto stat_all = [&](const char* name, bool there) {
    struct stat status {};
    for (unsigned i = 0; i < kFiles; ++i) {
      const std::string file = path("d/" + std::string(name) + std::to_string(i));
      EXPECT_EQ(::stat(file.c_str(), &status) == 0, there);
    }
  };
  expect_within("the directory", {{FUSE_LOOKUP, 1}},
                [&] { EXPECT_EQ(::access(path("d").c_str(), F_OK), 0); });
  expect_within("stat miss, first", {{FUSE_LOOKUP, each(1)}}, [&] { stat_all("absent-", false); });
  expect_within("stat miss, again", {}, [&] { stat_all("absent-", false); });
  expect_within("stat hit, first", {{FUSE_LOOKUP, each(1)}}, [&] { stat_all("file-", true); });
  expect_within("stat hit, again", {}, [&] { stat_all("file-", true); });
}

TEST_F(RequestCounts, ListingsOfAThousand) {
  constexpr unsigned kThousand = 1000;
  make_files("d", kThousand);
  forget_all();
  const std::string ls = "LC_ALL=C ls -l --color=never '" + path("d") + "' >/dev/null";
  const auto run_ls = [&] { EXPECT_EQ(std::system(ls.c_str()), 0); };
  // 152 bytes and the name for each entry, in buffers of what getdents(2) was given: 32 KiB. An ACL is asked for once and
  // kept; a label (security.selinux) once by each ls.
  expect_within(
      "ls -l of 1,000, first",
      {{FUSE_LOOKUP, 1}, {FUSE_READDIRPLUS, 7}, {FUSE_READDIR, 1}, {FUSE_GETXATTR, kThousand + 5}},
      run_ls);
  expect_within("ls -l of 1,000, again", {{FUSE_GETATTR, 1}, {FUSE_GETXATTR, 2}}, run_ls);
  expect_within("listing alone, again", {}, [&] { list("d"); });
}

TEST_F(RequestCounts, RemovingAndRenaming) {
  make_files("d");
  expect_within(
      "rename",
      {{FUSE_LOOKUP, each(1)},
       {FUSE_RENAME, each(1)},
       {FUSE_SETATTR, each(1)},
       {FUSE_GETATTR, each(1)}},
      [&] {
        for (unsigned i = 0; i < kFiles; ++i)
          EXPECT_EQ(::rename(file_in("d", i).c_str(), path("d/moved-" + std::to_string(i)).c_str()),
                    0);
      });
  expect_within("unlink",
                {{FUSE_UNLINK, each(1)}, {FUSE_SETATTR, each(1)}, {FUSE_GETATTR, each(1)}}, [&] {
                  for (unsigned i = 0; i < kFiles; ++i)
                    EXPECT_EQ(::unlink(path("d/moved-" + std::to_string(i)).c_str()), 0);
                });
}

TEST_F(RequestCounts, RemovingATree) {
  make_files("d");
  forget_all();
  const std::string rm = "rm -rf '" + path("d") + "'";
  expect_within("rm -rf of 100 files",
                {{FUSE_LOOKUP, 1},
                 {FUSE_STATFS, 1},
                 {FUSE_READDIRPLUS, 2},
                 {FUSE_READDIR, 1},
                 {FUSE_UNLINK, each(1)},
                 {FUSE_SETATTR, each(1)},
                 {FUSE_GETATTR, each(1)},
                 {FUSE_RMDIR, 1}},
                [&] { EXPECT_EQ(std::system(rm.c_str()), 0); });
}

TEST_F(RequestCounts, Directories) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  expect_within("mkdir", {{FUSE_LOOKUP, each(1)}, {FUSE_MKDIR, each(1)}, {FUSE_GETATTR, each(1)}},
                [&] {
                  for (unsigned i = 0; i < kFiles; ++i)
                    EXPECT_EQ(::mkdir(file_in("d", i).c_str(), 0755), 0);
                });
  expect_within("rmdir", {{FUSE_RMDIR, each(1)}, {FUSE_GETATTR, each(1)}}, [&] {
    for (unsigned i = 0; i < kFiles; ++i) EXPECT_EQ(::rmdir(file_in("d", i).c_str()), 0);
  });
}

TEST_F(RequestCounts, Untar) {
  coffer::testing::TempDirectory source;
  for (unsigned i = 0; i < kFiles; ++i)
    write_file(source.make_directory("tree") + "/file-" + std::to_string(i), "some bytes");
  const std::string tarball = source.file("tree.tar");
  ASSERT_EQ(
      std::system(("tar -C '" + source.path().string() + "' -cf '" + tarball + "' tree").c_str()),
      0);
  expect_within(
      "untar",
      {{FUSE_LOOKUP, each(1) + 2},
       {FUSE_CREATE, each(1)},
       {FUSE_GETATTR, each(1) + 2},
       {FUSE_GETXATTR, each(2)},
       {FUSE_WRITE, each(1)},
       {FUSE_SETATTR, each(4) + 3},
       {FUSE_FLUSH, each(1)},
       {FUSE_RELEASE, each(1)},
       {FUSE_MKDIR, 1}},
      [&] {
        EXPECT_EQ(std::system(("tar -C '" + mounted().root() + "' -xf '" + tarball + "'").c_str()),
                  0);
      });
}

}  // namespace
}  // namespace coffer::fuse
