// nullfs MOUNTPOINT: our FUSE session over a tree in memory, in the foreground until it is unmounted. The bound that FUSE sets.

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "bench/nullfs/null_tree.h"
#include "coffer/fuse/mount.h"
#include "coffer/vault/change_feed.h"
#include "coffer/vault/uuid.h"
#include "coffer/vault/vault.h"

namespace {

class NullVault : public coffer::Vault {
 public:
  coffer::Tree& tree() override { return tree_; }
  coffer::Objects& objects() override { std::abort(); }         // a mount does not ask
  coffer::AccessKeys& access_keys() override { std::abort(); }  // likewise
  coffer::VaultKeys& keys() override { std::abort(); }          // likewise
  coffer::ChangeFeed& changes() override { return feed_; }
  coffer::Result<coffer::VaultStatus> status() override { return coffer::VaultStatus{}; }
  coffer::Result<coffer::FsckReport> fsck(const coffer::FsckOptions&) override {
    return coffer::FsckReport{};
  }
  coffer::Result<coffer::UpkeepReceipt> scrub(const coffer::UpkeepOptions&) override {
    return coffer::UpkeepReceipt{};
  }
  coffer::Result<coffer::UpkeepReceipt> heal(const coffer::UpkeepOptions&) override {
    return coffer::UpkeepReceipt{};
  }
  coffer::Result<coffer::CleaningReceipt> clean(const coffer::UpkeepOptions&) override {
    return coffer::CleaningReceipt{};
  }
  coffer::Result<coffer::UpkeepReceipt> replace_volume(const std::string&, const std::string&,
                                                       const coffer::UpkeepOptions&) override {
    return coffer::UpkeepReceipt{};
  }
  void end_upkeep() override {}
  [[nodiscard]] bool read_only() const override { return false; }
  [[nodiscard]] const coffer::Uuid& uuid() const override { return uuid_; }
  coffer::Result<void> close() override { return {}; }

 private:
  coffer::bench::NullTree tree_;
  coffer::ChangeFeed feed_;
  coffer::Uuid uuid_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: nullfs MOUNTPOINT\n");
    return 1;
  }
  NullVault vault;
  coffer::fuse::MountOptions options;
  options.mountpoint = argv[1];
  options.source = "nullfs";
  const auto mount = coffer::fuse::Mount::start(vault, options);
  if (!mount) {
    std::fprintf(stderr, "nullfs: %s\n", mount.error().context.c_str());
    return 1;
  }
  (*mount)->wait();
  return 0;
}
