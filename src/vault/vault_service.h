#pragma once
/// VaultService: the parts of an open vault, tied together.
///
/// Owns      everything, in the order of the fields; destroyed in reverse.
/// Threads   as Vault. The private faces (SegmentJournal, MetaStoreOwner, DataBarrier) are called by the parts, from any thread.
/// Invariant Rows that the segment store asks for while it syncs are written by sync() or by the background thread, never inside the
///           barrier: RocksDB may be waiting for that barrier.

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/executor.h"
#include "coffer/core/memory_budget.h"
#include "coffer/core/periodic_task.h"
#include "coffer/vault/change_feed.h"
#include "coffer/vault/vault.h"
#include "vault/configuration_keeper.h"
#include "vault/crypto/key_store.h"
#include "vault/erasure/erasure_code.h"
#include "vault/key_service.h"
#include "vault/meta/meta_store.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_repair.h"
#include "vault/segment/segment_store.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/namespace.h"
#include "vault/tree/numbers.h"
#include "vault/tree/segment_ledger.h"
#include "vault/upkeep/upkeep_turn.h"
#include "vault/vault_parameters.h"
#include "vault/volume/lock_record.h"
#include "vault/volume/volume_set.h"

namespace coffer {

class AccessKeyService;
class Cleaning;
class Healer;
class ObjectService;
class Pace;
class TreeService;
class VaultOpener;

class VaultService final : public Vault,
                           private SegmentJournal,
                           private MetaStoreOwner,
                           private DataBarrier {
 public:
  /// Makes a vault on empty volumes.
  static Result<void> init(std::vector<std::unique_ptr<Volume>> volumes,
                           const InitParameters& parameters, const Credential& credential);
  /// Opens it from the volumes that are there (docs/architecture.md, "Opening"). A refusal has changed nothing.
  static Result<std::unique_ptr<VaultService>> open(std::vector<std::unique_ptr<Volume>> volumes,
                                                    const OpenParameters& parameters,
                                                    const Credential& credential);
  ~VaultService() override;
  /// What init() refuses of k, m and the number of volumes, before anything is made.
  static Result<void> check_geometry(const InitParameters& parameters, std::size_t count);

  Tree& tree() override;
  Objects& objects() override;
  AccessKeys& access_keys() override;
  VaultKeys& keys() override { return *key_service_; }
  ChangeFeed& changes() override { return feed_; }
  Result<VaultStatus> status() override;
  Result<FsckReport> fsck(const FsckOptions& options) override;
  Result<UpkeepReceipt> scrub(const UpkeepOptions& options) override;
  Result<UpkeepReceipt> heal(const UpkeepOptions& options) override;
  Result<UpkeepReceipt> replace_volume(const std::string& old_place, const std::string& new_place,
                                       const UpkeepOptions& options) override;
  Result<CleaningReceipt> clean(const UpkeepOptions& options) override;
  void end_upkeep() override {
    upkeep_turn_.end();
    cleaning_commands_.end();
  }
  /// On a volume that is at hand and not used yet.
  Result<UpkeepReceipt> replace_volume(std::uint8_t member, std::unique_ptr<Volume> fresh,
                                       const UpkeepOptions& options);
  [[nodiscard]] bool read_only() const override { return read_only_.load(); }
  [[nodiscard]] const Uuid& uuid() const override { return uuid_; }
  Result<void> close() override;

  /// Commits and syncs everything; what the background thread does, callable by tests.
  Result<void> commit_and_sync();
  [[nodiscard]] SegmentStore& segments() { return *segments_; }
  [[nodiscard]] InodeStore& inodes() { return *inodes_; }
  [[nodiscard]] SegmentLedger& ledger() { return *ledger_; }
  [[nodiscard]] Cleaning& cleaning() { return *cleaning_; }
  /// Answered bytes that have no place in a segment yet.
  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_room_->held(); }

 private:
  friend class VaultOpener;
  explicit VaultService(const OpenParameters& parameters);

  // SegmentJournal
  Result<SegmentId> add_segment(const SegmentInfo& info) override;
  void segment_sealed(const SegmentInfo& info) override;
  Result<void> shards_degraded(std::span<const ShardRef> shards) override;
  Result<void> volume_failed(std::uint8_t member_index, const Error& why) override;
  void shard_damaged(const ShardRef& shard) override;
  // MetaStoreOwner
  Result<void> mirror_failed(std::uint8_t member_index, const Error& why) override;
  // DataBarrier
  Result<void> sync_data() override;

  /// The one way to make things durable: data, then the rows that syncing it asked for, then the log.
  Result<void> sync();
  Result<void> write_deferred_rows();
  /// Io once answered bytes are lost or rows can no longer be written.
  [[nodiscard]] Result<void> check_intact() const;
  bool make_room();
  bool bring_back_deleted();
  void become_read_only(const Error& why);
  Result<void> leave_configuration(std::uint8_t member_index, MemberState state);
  Result<SpaceInfo> space();
  // vault_volumes.cc: the steps of docs/decisions/0012
  struct Returned {
    std::unique_ptr<Volume> fresh;  // null: the object that is in the set
    bool left_in_order = false;     // it is as the others remember it
  };
  Result<std::vector<SegmentInfo>> segments_on(std::uint8_t member) const;
  Result<void> prepare_fresh(Volume& fresh);
  Result<std::set<SegmentId>> fill_ahead(std::uint8_t member, Volume& fresh, Pace& pace,
                                         UpkeepReceipt& receipt);
  [[nodiscard]] Result<void> check_dispensable(std::uint8_t member) const;
  Result<void> take_out(std::uint8_t member);
  Result<void> list_files(std::uint8_t member, const std::set<SegmentId>& without);
  Result<void> admit(std::uint8_t member, VolumeUuid volume,
                     const std::function<void(Superblock&)>& change);
  Result<void> take_place(std::uint8_t member, std::unique_ptr<Volume> fresh,
                          const std::set<SegmentId>& filled);
  void give_back(std::uint8_t member);
  void remove_leftovers(std::uint8_t member, Volume& volume);
  [[nodiscard]] Result<std::uint8_t> find_member(const std::string& place) const;
  Result<void> rejoin(const Member& member);
  Result<Returned> find_returned(const Member& member);

  // vault_upkeep.cc
  enum class HealScope : std::uint8_t { Everything, Known };
  void rejoin_all();
  [[nodiscard]] std::vector<std::uint8_t> members_for_mirrors() const;
  void establish_mirrors(UpkeepReceipt& receipt);
  void leave_mirror(std::uint8_t member, UpkeepReceipt& receipt);
  Result<void> add_mirror(std::uint8_t member);
  void scrub_metadata(MetadataRepair repair, UpkeepReceipt& receipt);
  Result<void> restore_protection(HealScope scope, const UpkeepOptions& options, Pace& pace,
                                  UpkeepReceipt& receipt);
  Result<void> begin_upkeep();
  Result<void> conclude_upkeep(UpkeepReceipt& receipt);
  Healer healer(const UpkeepOptions& options, Pace& pace, UpkeepReceipt& receipt);
  void background();
  void background_upkeep();
  // vault_cleaning.cc
  bool clean_for_room();
  void background_cleaning();
  [[nodiscard]] bool space_is_short();
  [[nodiscard]] bool all_volumes_current() const;
  void start_background();
  void stop_background();
  Result<void> renew_locks();
  void fill_volume_status(VaultStatus& status, const Superblock& configuration);
  [[nodiscard]] std::uint32_t most_shards_missing(const SegmentInfo& info,
                                                  const ListedShards& listed) const;
  void fill_survivable_losses(VaultStatus& status, const Superblock& configuration);

  const OpenParameters parameters_;
  Uuid uuid_;
  std::atomic<bool> read_only_{false};
  std::atomic<bool> bytes_lost_{
      false};  // a sync could not save answered writes: no later sync succeeds
  bool closed_ = false;
  bool claimed_ = false;  // the lock records are ours

  VolumeSet volumes_;
  LockRecord lock_record_;
  std::unique_ptr<crypto::UnlockedKeys> keys_;
  MemoryBudget budget_;
  std::unique_ptr<ConfigurationKeeper> configuration_;
  std::unique_ptr<KeyService> key_service_;
  ErasureCodes codes_;
  BufferPool buffers_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<KeyRingSource> key_source_;
  std::unique_ptr<SegmentStore> segments_;
  std::unique_ptr<MetaStore> meta_;
  std::unique_ptr<Numbers> segment_numbers_;
  std::unique_ptr<SegmentLedger> ledger_;
  std::unique_ptr<PendingRoom> pending_room_;
  std::unique_ptr<InodeStore> inodes_;
  std::unique_ptr<FileBytes> bytes_;
  ChangeFeed feed_;
  std::unique_ptr<Namespace> names_;
  std::unique_ptr<TreeService> tree_;
  std::unique_ptr<ObjectService> objects_;
  std::unique_ptr<AccessKeyService> access_keys_;

  Mutex deferred_write_mutex_;  // held across a commit; before deferred_mutex_
  Mutex deferred_mutex_;
  std::vector<SegmentInfo> sealed_rows_ GUARDED_BY(deferred_mutex_);
  std::set<ShardRef> degraded_rows_ GUARDED_BY(deferred_mutex_);
  std::atomic<std::uint64_t> damaged_shards_{0};

  UpkeepTurn upkeep_turn_{"a scrub, heal or replacement of a volume is running"};
  UpkeepTurn cleaning_commands_{"the vault is being cleaned"};
  std::unique_ptr<Cleaning> cleaning_;
  Mutex suspects_mutex_;
  std::set<SegmentId> suspects_ GUARDED_BY(suspects_mutex_);   // a read met something bad in them
  std::chrono::steady_clock::time_point upkeep_not_before_{};  // background thread only
  /// What background heal could not make whole, while no volume comes.
  struct Hopeless {
    std::uint64_t volumes = 0;
    std::map<SegmentId, ListedShards> listed;
  };
  Hopeless hopeless_;  // background thread only
  std::atomic<std::uint64_t> volumes_came_{
      0};  // how often one did, in the life of the vault's object
  std::chrono::steady_clock::time_point last_commit_{};  // background thread only
  std::unique_ptr<PeriodicTask> background_;
  std::unique_ptr<PeriodicTask> lock_renewal_;
  std::unique_ptr<PeriodicTask> background_upkeep_;
  std::unique_ptr<PeriodicTask> background_cleaning_;
};

}  // namespace coffer
