#pragma once
/// Namespace: names, and what stands under them: the part of the tree that both faces (TreeService,
/// ObjectService) share.
///
/// Format    docs/format.md §5.3 (entries), §5.6 (escaped names).
/// Owns      the caches of names, absent ones included, and of listings; the gate of directory moves.
/// Borrows   everything in Deps.
/// Threads   everything from any thread. What stands under a name changes only with the directory's
/// `entries` held exclusively
///           and the gate at least shared or the directory locked by number (move_gate.h); a change
///           erases the names that it touches from the caches before it commits, and the directory's listing, so that who
///           misses them waits for the lock and sees all of it or nothing.
/// Errors    NotFound, NotDirectory, Corrupt, Io.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/lru_cache.h"
#include "coffer/vault/change_feed.h"
#include "vault/tree/dentry.h"
#include "vault/tree/file_bytes.h"
#include "vault/tree/inode_store.h"
#include "vault/tree/listing.h"
#include "vault/tree/move_gate.h"
#include "vault/tree/name_cache.h"
#include "vault/tree/name_escape.h"
#include "vault/tree/versioned_buckets.h"

namespace coffer {

class SegmentLedger;

/// A mount name, looked up.
struct FoundName {
  MountName asked;  // `stored` is the stored name whenever an entry was found or can be made
  NameSlots slots;
  std::optional<Dentry> entry;  // what the mount shows under the name

  [[nodiscard]] bool is_directory() const { return entry && entry->type == FileType::Directory; }
};

class Namespace {
 public:
  struct Deps {
    MetaStore* meta = nullptr;
    SegmentStore* segments = nullptr;
    SegmentLedger* ledger = nullptr;
    InodeStore* inodes = nullptr;
    FileBytes* bytes = nullptr;
    ChangeFeed* feed = nullptr;
    std::function<Result<void>()>
        sync;  // the metadata barrier, then what may be reclaimed after it
    std::function<Result<SpaceInfo>()> space;  // of the volumes
    std::size_t name_cache_bytes = std::size_t{32} << 20;
    std::size_t listing_cache_bytes = std::size_t{16} << 20;
  };
  explicit Namespace(const Deps& deps);

  /// Whether the caller holds the directory's `entries`, in either way.
  enum class Held : std::uint8_t { No, Yes };

  Result<NameSlots> slots(Inode& parent, std::string_view stored, Held held);
  Result<FoundName> find(Inode& parent, std::string_view mount_name, Held held);
  /// What is remembered of a name at the mount, without a look at the directory. Nothing for names that need one.
  std::optional<NameSlots> known(InodeId parent, std::string_view mount_name);
  /// All that the mount shows in a small directory; null for a large one. @pre its `entries` are not held
  Result<std::shared_ptr<const Listing>> listing(Inode& directory);
  /// Why an entry of this kind cannot be made under the name; nothing if it can.
  static std::optional<Errc> refuses(const FoundName& found, bool directory);

  /// A directory that still exists. NotFound, NotDirectory.
  Result<InodeRef> directory(InodeId id);
  /// Distance from the root. @pre the gate is held
  Result<unsigned> depth(InodeId directory);
  /// Is `directory` at or below `ancestor`? @pre the gate is held
  Result<bool> is_within(InodeId directory, InodeId ancestor);

  /// After a commit, with no lock held.
  void publish(const std::vector<Change>& changes) { deps_.feed->publish(changes); }
  /// Makes everything committed so far durable. @pre no lock is held
  Result<void> sync() { return deps_.sync(); }

  [[nodiscard]] const Deps& deps() const { return deps_; }
  MoveGate& gate() { return gate_; }
  VersionedBuckets& versions() { return versions_; }

  // For TreeChange: names that are about to change, and what stands there now.
  void forget_name(InodeId parent, const std::string& stored);
  void remember_name(InodeId parent, const std::string& stored, const NameSlots& slots);

  /// Guards the parts of an upload: held to add one, to complete, to abort. Before the gate.
  Mutex& upload_lock(std::string_view upload_id) {
    return upload_locks_[std::hash<std::string_view>{}(upload_id) % kUploadLocks];
  }

  /// The root's row, in the batch that makes a vault.
  static void stage_root(MetaBatch& batch, std::uint32_t uid, std::uint32_t gid);

 private:
  Result<NameSlots> load_slots(InodeId parent, std::string_view stored);
  Result<std::shared_ptr<const Listing>> read_listing(Inode& directory)
      REQUIRES_SHARED(directory.entries);

  const Deps deps_;
  NameCache names_;
  LruCache<InodeId, std::shared_ptr<const Listing>> listings_;
  MoveGate gate_;
  VersionedBuckets versions_;
  static constexpr std::size_t kUploadLocks = 64;
  std::array<Mutex, kUploadLocks> upload_locks_;
};

/// What stat(2) shows: a directory's size in the row counts its entries and is not shown.
Attributes visible_attributes(const InodeRecord& record);

}  // namespace coffer
