/// POSIX ACLs (acl(5)): the mode and the ACL are one thing, and directories hand theirs on.

#include <linux/posix_acl_xattr.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <thread>
#include <vector>

#include "coffer/vault/objects.h"
#include "tests/fuse/mounted_vault.h"
#include "tests/fuse/posix_file.h"

namespace coffer::fuse::testing {
namespace {

constexpr char kAccess[] = "system.posix_acl_access";
constexpr char kDefault[] = "system.posix_acl_default";
// linux/posix_acl.h
constexpr std::uint16_t kOwner = 0x01, kUser = 0x02, kOwningGroup = 0x04, kMask = 0x10,
                        kOthers = 0x20;
constexpr std::uint32_t kNobody = ~0U;
constexpr uid_t kGuest = 4321;

using AclEntry = posix_acl_xattr_entry;

std::string acl(const std::vector<AclEntry>& entries) {
  const posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::string value(reinterpret_cast<const char*>(&header), sizeof(header));
  for (const AclEntry& entry : entries)
    value.append(reinterpret_cast<const char*>(&entry), sizeof(entry));
  return value;
}

/// Owner, kGuest, owning group, mask, others.
std::string acl_with_guest(std::uint16_t owner, std::uint16_t guest, std::uint16_t group,
                           std::uint16_t mask, std::uint16_t others) {
  return acl({{kOwner, owner, kNobody},
              {kUser, guest, kGuest},
              {kOwningGroup, group, kNobody},
              {kMask, mask, kNobody},
              {kOthers, others, kNobody}});
}

std::string get(const std::string& path, const char* name) {
  std::string value(4096, '\0');
  const ssize_t bytes = ::getxattr(path.c_str(), name, value.data(), value.size());
  if (bytes < 0) return std::strerror(errno);
  value.resize(static_cast<std::size_t>(bytes));
  return value;
}

int set(const std::string& path, const char* name, const std::string& value) {
  return error_of(::setxattr(path.c_str(), name, value.data(), value.size(), 0));
}

mode_t mode_of(const std::string& path) { return stat_of(path).st_mode & 07777; }

class AclTest : public MountTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs to be other users";
    MountTest::SetUp();
    mounted().unmount();
    MountOptions options;
    options.allow_other = true;
    mounted().mount(options);
    ASSERT_TRUE(mounted().ready());
  }
  /// Runs in a thread that is kGuest, in no group that matters, and stands in the mount's root: the
  /// way there is closed to others.
  template <typename Function>
  void as_guest(const Function& function) {
    const Descriptor root(mounted().root(), O_RDONLY | O_DIRECTORY);
    std::thread guest([&] {  // the system calls: the thread alone changes
      ASSERT_EQ(::unshare(CLONE_FS), 0);
      ASSERT_EQ(::fchdir(root.get()), 0);
      ASSERT_EQ(::syscall(SYS_setgroups, 0, nullptr), 0);
      ASSERT_EQ(::syscall(SYS_setresgid, -1, kGuest, -1), 0);
      ASSERT_EQ(::syscall(SYS_setresuid, -1, kGuest, -1), 0);
      function();
    });
    guest.join();
  }
  /// The errno of open(2), 0 when it worked.
  int open_as_guest(const std::string& name, int flags) {
    int error = 0;
    as_guest([&] {
      const int fd = ::open(name.c_str(), flags | O_CLOEXEC, 0666);
      error = fd < 0 ? errno : 0;
      if (fd >= 0) ::close(fd);
    });
    return error;
  }
};

TEST_F(AclTest, ANamedUserMayWhatTheEntryAndTheMaskAllow) {
  write_file(path("file"), "x");
  ASSERT_EQ(::chmod(path("file").c_str(), 0600), 0);
  EXPECT_EQ(open_as_guest("file", O_RDONLY), EACCES);
  ASSERT_EQ(set(path("file"), kAccess, acl_with_guest(6, 6, 0, 6, 0)), 0);
  EXPECT_EQ(open_as_guest("file", O_RDWR), 0);
  ASSERT_EQ(set(path("file"), kAccess, acl_with_guest(6, 6, 0, 4, 0)), 0);
  EXPECT_EQ(open_as_guest("file", O_RDWR), EACCES);
  EXPECT_EQ(open_as_guest("file", O_RDONLY), 0);
  ASSERT_EQ(::removexattr(path("file").c_str(), kAccess), 0);
  EXPECT_EQ(open_as_guest("file", O_RDONLY), EACCES);
}

TEST_F(AclTest, TheModeFollowsTheAclAndTheAclTheMode) {
  write_file(path("file"), "x");
  ASSERT_EQ(set(path("file"), kAccess, acl_with_guest(7, 6, 4, 5, 1)), 0);
  EXPECT_EQ(mode_of(path("file")), 0751U) << "owner, mask, others";
  ASSERT_EQ(::chmod(path("file").c_str(), 0624), 0);
  EXPECT_EQ(get(path("file"), kAccess), acl_with_guest(6, 6, 4, 2, 4));
  mounted().reopen();
  ASSERT_TRUE(mounted().ready());
  EXPECT_EQ(get(path("file"), kAccess), acl_with_guest(6, 6, 4, 2, 4));
  EXPECT_EQ(mode_of(path("file")), 0624U);
}

TEST_F(AclTest, AnAclThatAModeCanSayIsTheMode) {
  write_file(path("file"), "x");
  ASSERT_EQ(set(path("file"), kAccess, acl_with_guest(7, 6, 4, 5, 1)), 0);
  const std::string plain =
      acl({{kOwner, 6, kNobody}, {kOwningGroup, 4, kNobody}, {kOthers, 0, kNobody}});
  ASSERT_EQ(set(path("file"), kAccess, plain), 0);
  EXPECT_EQ(mode_of(path("file")), 0640U);
  EXPECT_EQ(get(path("file"), kAccess), std::strerror(ENODATA));
}

TEST_F(AclTest, ADefaultAclTakesTheUmasksPlaceAndIsHandedOn) {
  ASSERT_EQ(::mkdir(path("d").c_str(), 0755), 0);
  const mode_t umask_before = ::umask(077);
  write_file(path("d/before"), "x");
  const std::string handed_on = acl_with_guest(7, 7, 5, 7, 0);
  ASSERT_EQ(set(path("d"), kDefault, handed_on), 0);
  { const Descriptor made(path("d/file"), O_WRONLY | O_CREAT, 0664); }
  ASSERT_EQ(::mkdir(path("d/sub").c_str(), 0777), 0);
  ASSERT_EQ(::mkfifo(path("d/sub/fifo").c_str(), 0600), 0);
  {
    const Descriptor nameless(path("d"), O_TMPFILE | O_RDWR, 0664);
    const std::string self = "/proc/self/fd/" + std::to_string(nameless.get());
    ASSERT_EQ(
        ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path("d/named").c_str(), AT_SYMLINK_FOLLOW), 0)
        << std::strerror(errno);
  }
  ::umask(umask_before);
  EXPECT_EQ(mode_of(path("d/before")), 0600U);
  EXPECT_EQ(get(path("d/before"), kAccess), std::strerror(ENODATA));
  EXPECT_EQ(mode_of(path("d/file")), 0660U);
  EXPECT_EQ(get(path("d/file"), kAccess), acl_with_guest(6, 7, 5, 6, 0));
  EXPECT_EQ(mode_of(path("d/named")), 0660U);
  EXPECT_EQ(get(path("d/named"), kAccess), acl_with_guest(6, 7, 5, 6, 0));
  EXPECT_EQ(get(path("d/sub"), kDefault), handed_on);
  EXPECT_EQ(get(path("d/sub"), kAccess), handed_on);
  EXPECT_EQ(get(path("d/sub/fifo"), kAccess), acl_with_guest(6, 7, 5, 0, 0));
}

TEST_F(AclTest, ObjectsOfTheOtherDoorInheritToo) {
  ASSERT_EQ(::mkdir(path("bucket").c_str(), 0755), 0);
  const std::string handed_on = acl_with_guest(7, 7, 5, 7, 0);
  ASSERT_EQ(set(path("bucket"), kDefault, handed_on), 0);
  auto writer = mounted().vault().objects().begin_put("bucket", "a/b/key");
  ASSERT_TRUE(writer);
  ASSERT_TRUE((*writer)->write(as_bytes(std::string_view("bytes"))));
  ASSERT_TRUE((*writer)->commit({}, {}, Durability::Relaxed));
  EXPECT_EQ(get(path("bucket/a/b"), kDefault), handed_on);
  EXPECT_EQ(mode_of(path("bucket/a/b/key")), 0660U);
  EXPECT_EQ(get(path("bucket/a/b/key"), kAccess), acl_with_guest(6, 7, 5, 6, 0));
}

TEST_F(AclTest, WhatIsNoAclIsRefused) {
  write_file(path("file"), "x");
  ASSERT_EQ(::symlink("file", path("link").c_str()), 0);
  EXPECT_EQ(set(path("file"), kDefault, acl_with_guest(7, 7, 5, 7, 0)), EACCES);
  EXPECT_EQ(set(path("file"), kAccess, acl({}) + "not an ACL"), EINVAL);
  const std::string without_mask = acl({{kOwner, 6, kNobody},
                                        {kUser, 6, kGuest},
                                        {kOwningGroup, 4, kNobody},
                                        {kOthers, 0, kNobody}});
  EXPECT_EQ(set(path("file"), kAccess, without_mask), EINVAL);
  const std::string value = acl_with_guest(7, 7, 5, 7, 0);
  EXPECT_EQ(error_of(::lsetxattr(path("link").c_str(), kAccess, value.data(), value.size(), 0)),
            EOPNOTSUPP);
}

// The owner is not in the file's group: a change of what the group may takes sgid away.
TEST_F(AclTest, SgidGoesWhenAStrangerToTheGroupSetsAnAcl) {
  write_file(path("file"), "x");
  ASSERT_EQ(::chown(path("file").c_str(), kGuest, 55), 0);
  ASSERT_EQ(::chmod(path("file").c_str(), 02770), 0);
  const std::string value = acl_with_guest(7, 7, 5, 7, 0);
  ASSERT_EQ(set(path("file"), kAccess, value), 0);
  EXPECT_EQ(mode_of(path("file")), 02770U) << "root may keep it";
  as_guest([&] { EXPECT_EQ(set("file", kAccess, value), 0); });
  EXPECT_EQ(mode_of(path("file")), 0770U);
}

}  // namespace
}  // namespace coffer::fuse::testing
