#pragma once
/// VaultOpener: the steps of docs/architecture.md, "Opening", from volumes to an open VaultService. Used once.
///
/// Order     1 lock and superblocks, 2 keys and MACs, who is current; 3 sync what a killed daemon left in the page cache;
///           4 the metadata image, and where it must be cut; 5 and 6 fresh mirrors, the raise that names them, RocksDB;
///           7 stripes without parity sealed again, dead files removed; 8 orphans queued. Until step 5 nothing is written.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "vault/meta/meta_image.h"
#include "vault/vault_service.h"

namespace coffer {

class VaultOpener {
 public:
  VaultOpener(const OpenParameters& parameters, const Credential& credential)
      : parameters_(parameters), credential_(credential) {}
  Result<std::unique_ptr<VaultService>> open(std::vector<std::unique_ptr<Volume>> volumes);

 private:
  enum class OpenSegments : std::uint8_t { Leave, Sync };
  struct Found {
    std::unique_ptr<Volume> volume;
    Superblock superblock;
    std::array<std::string, 2> copies;  // as read; empty where there is none
  };

  /// Keys that fit a configuration, and the superblocks that they authenticate, one for each of found_.
  struct Unlocked {
    crypto::UnlockedKeys keys;
    std::string key_store;
    std::vector<std::optional<Superblock>> genuine;
    EpochId epoch;  // the configuration's
  };

  Result<void> read_superblocks(std::vector<std::unique_ptr<Volume>> volumes);
  Result<void> unlock();
  Result<std::optional<Unlocked>> unlock_with(const crypto::Digest& key_store) const;
  [[nodiscard]] std::string find_key_store(const crypto::Digest& key_store) const;
  [[nodiscard]] std::vector<std::optional<Superblock>> genuine_superblocks(
      const crypto::KeyRing& ring) const;
  void keep_genuine(std::vector<std::optional<Superblock>> genuine);
  Result<void> assess_volumes();
  void adopt_unreadable();
  [[nodiscard]] bool has_our_key_slots(Volume& volume) const;
  void claim_volumes();
  void make_parts();
  Result<void> open_metadata();
  Result<void> open_read_only(const std::vector<MirrorDirectory>& named);
  Result<void> recover(std::vector<MirrorDirectory> named);
  std::vector<MirrorDirectory> named_mirrors() const;
  std::vector<MirrorDirectory> fresh_mirrors() const;
  [[nodiscard]] bool has_room_for_twin(std::uint8_t index) const;
  [[nodiscard]] std::size_t mirrors_wanted() const;
  [[nodiscard]] bool well_mirrored(const std::vector<MirrorDirectory>& named) const;
  Result<std::vector<MirrorDirectory>> write_mirrors(MetaImage& image) const;
  Result<void> sync_mirror_files(std::vector<MirrorDirectory>& named) const;
  Result<void> examine_tail(const std::vector<MirrorDirectory>& mirrors, MetaImage& image);
  static std::vector<MirrorDirectory> best_first(std::vector<MirrorDirectory> named,
                                                 const MetaImage& image);
  std::vector<MirrorDirectory> still_named(std::vector<MirrorDirectory> mirrors) const;
  Result<void> raise(const std::vector<MirrorDirectory>& mirrors);
  Result<void> load_segments(MetaStore& meta, OpenSegments open_ones);
  Result<void> scan_segments(std::span<const SegmentInfo> segments,
                             std::map<SegmentId, std::set<std::uint32_t>>& closed,
                             std::vector<ShardRef>& missing);
  Result<std::vector<Reference>> unprotected_extents(
      const std::map<SegmentId, std::set<std::uint32_t>>& closed);
  SegmentStoreDeps segment_deps();
  void remove_unnamed();
  void remove_dead_shards();
  Result<void> protect_again();
  Result<void> finish();
  [[nodiscard]] MetaStoreDeps meta_deps() const;
  [[nodiscard]] MetaStoreOptions meta_options() const;

  const OpenParameters& parameters_;
  const Credential& credential_;
  std::unique_ptr<VaultService> vault_;
  std::vector<Found> found_;
  std::string key_store_;                            // the bytes of the key store in force
  std::vector<std::unique_ptr<Volume>> unreadable_;  // locked, without a superblock that verifies
  Superblock in_force_;
  std::vector<VolumeStanding> standings_;
  Access access_ = Access::ReadWrite;
  bool clean_ = false;
  bool read_only_ = false;
  Uuid boot_;
  std::set<std::uint8_t> rolled_back_;       // members whose volume is an older state of itself
  std::vector<SegmentInfo> on_rolled_back_;  // segments that count on them
  std::vector<SegmentInfo> was_open_;        // segments whose row says Open
};

}  // namespace coffer
