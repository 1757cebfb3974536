#pragma once
/// MountedVault: a 1+0 vault of a test's own, mounted in its own directory.
///
/// Owns      directory, vault and mount; nothing is left behind.
/// Errors    a step that fails fails the test; where this machine cannot mount, the test is skipped.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "coffer/fuse/mount.h"
#include "coffer/vault/vault.h"
#include "tests/support/temp_directory.h"

namespace coffer::fuse::testing {

inline bool can_mount() {
  return ::access("/dev/fuse", R_OK | W_OK) == 0 &&
         (::geteuid() == 0 || ::access("/usr/bin/fusermount3", X_OK) == 0);
}

class MountedVault {
 public:
  MountedVault() {
    mountpoint_ = directory_.make_directory("mnt");
    InitOptions options;
    options.volumes = {directory_.file("volume")};
    options.kdf_cost = kKdfCostMinimum;
    const auto made = Vault::init(options, credential());
    EXPECT_TRUE(made) << (made ? "" : made.error().context);
    if (made && open()) mount();
  }
  ~MountedVault() { close(); }
  MountedVault(const MountedVault&) = delete;
  MountedVault& operator=(const MountedVault&) = delete;

  bool open() {
    OpenOptions options;
    options.volume = directory_.file("volume");
    options.state_directory = directory_.file("state");
    auto opened = Vault::open(options, credential());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().context);
    if (opened) vault_ = std::move(*opened);
    return vault_ != nullptr;
  }
  void mount(MountOptions options = {}) {
    options.mountpoint = mountpoint_;
    if (options.workers == 0) options.workers = 4;
    auto started = Mount::start(*vault_, options);
    EXPECT_TRUE(started) << (started ? "" : started.error().context);
    if (started) mount_ = std::move(*started);
  }
  void unmount() { mount_.reset(); }
  void close() {
    unmount();
    if (vault_ == nullptr) return;
    const auto closed = vault_->close();
    EXPECT_TRUE(closed) << (closed ? "" : closed.error().context);
    vault_.reset();
  }
  void reopen() {
    close();
    if (open()) mount();
  }

  [[nodiscard]] bool ready() const { return mount_ != nullptr; }
  [[nodiscard]] std::string path(const std::string& name) const { return mountpoint_ + "/" + name; }
  [[nodiscard]] const std::string& root() const { return mountpoint_; }
  [[nodiscard]] Mount& mounted() { return *mount_; }
  [[nodiscard]] Vault& vault() { return *vault_; }
  [[nodiscard]] std::uint64_t requests(std::uint32_t opcode) const {
    return mount_->statistics().requests[opcode];
  }

 private:
  static Credential credential() {
    return {SlotKind::Passphrase, SecretString("a test's passphrase")};
  }

  coffer::testing::TempDirectory directory_;  // first: the last to go
  std::string mountpoint_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Mount> mount_;
};

/// One mounted vault for each test.
class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_mount()) GTEST_SKIP() << "no /dev/fuse here";
    mounted_.emplace();
    ASSERT_TRUE(mounted_->ready());
  }
  MountedVault& mounted() { return *mounted_; }
  [[nodiscard]] std::string path(const std::string& name) const { return mounted_->path(name); }

  std::optional<MountedVault> mounted_;
};

}  // namespace coffer::fuse::testing
