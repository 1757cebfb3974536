#pragma once
/// MetaStore: the vault's ordered key-value rows: RocksDB over a sealed, mirrored FileSystem.
///
/// Format    docs/format.md §4 (files), §5 (rows: known only to tree/). RocksDB appears in no header.
/// Owns      the database and the mirrors' open files.
/// Borrows   volumes, key ring, the data barrier.
/// Threads   everything from any thread; close() once, last. commit() calls are ordered by one internal mutex
///           and merged (group commit); the order of their positions is the order of recovery.
/// Errors    Io after a background error of the database or when no mirror is left: from then on every commit and
///           sync fails (the vault turns read-only); NoSpace; Corrupt; AuthenticationFailed.
/// Durable   commit(): in the WAL files of all mirrors (written: survives kill -9). sync(): the barrier of
///           docs/architecture.md, "The data's way": DataBarrier::sync_data() first, then the WAL mirrors are synced.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/cipher.h"
#include "coffer/vault/uuid.h"
#include "vault/segment/place.h"

namespace coffer {

class FileArea;
namespace crypto {
class KeyRing;
}

/// A position in the order of commits, counted from 1 in the vault's life. 0: before everything.
using CommitPosition = StrongId<struct CommitPositionTag, std::uint64_t>;

/// Rows to change together, and what file bytes those rows refer to that may not be synced yet.
class MetaBatch {
 public:
  MetaBatch();
  MetaBatch(MetaBatch&&) noexcept;
  MetaBatch& operator=(MetaBatch&&) noexcept;
  ~MetaBatch();
  void put(std::string_view key, std::string_view value);
  void remove(std::string_view key);
  void remove_range(std::string_view from, std::string_view to);
  /// Adds to a row that holds a little-endian i64 (created as 0): counters that many batches change.
  void add(std::string_view key, std::int64_t delta);
  /// New references to segment bytes: recorded in the frame, so that recovery can tell whether the frame can be
  /// kept (docs/architecture.md, "Opening") and re-protect stripes that were open (step 7).
  void needs(const Reference& reference);
  [[nodiscard]] bool empty() const;

 private:
  friend class MetaStore;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The data half of a sync: after success every place handed out before the call is durable.
class DataBarrier {
 public:
  virtual ~DataBarrier() = default;
  virtual Result<void> sync_data() = 0;
};

/// An ordered scan over [lower, upper). Sees one moment. Values are valid until the next move.
class MetaCursor {
 public:
  virtual ~MetaCursor() = default;
  virtual void seek(std::string_view key) = 0;
  virtual void next() = 0;
  [[nodiscard]] virtual bool valid() const = 0;  // false at the end and after an error
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
  [[nodiscard]] virtual Result<void> status() const = 0;  // check after valid() turned false
};

/// One mirror: a directory `meta.<uid>` on a volume.
struct MirrorDirectory {
  std::uint8_t member_index = 0;
  DirectoryUid directory;
  FileArea* files = nullptr;  // borrowed
};

class MetaStoreOwner {
 public:
  virtual ~MetaStoreOwner() = default;
  /// A mirror failed. Returns once a configuration epoch that no longer names it is synced; only then does the
  /// operation that it missed succeed. Called from any thread, also RocksDB's.
  virtual Result<void> mirror_failed(std::uint8_t member_index, const Error& why) = 0;
};

enum class MetadataRepair : std::uint8_t { Look, Repair };

/// What a look at all mirrors found.
struct MetadataCheck {
  std::uint64_t files = 0;              // copies that were read
  std::vector<std::string> bad;         // one line each
  std::vector<std::string> unrepaired;  // likewise
  std::set<std::uint8_t> broken;        // members on which a file could not be made anew
};

struct MetaStoreOptions {
  std::size_t block_cache_bytes = std::size_t{64} << 20;
  std::size_t write_buffer_bytes = std::size_t{32} << 20;
};

struct MetaStoreDeps {
  const crypto::KeyRing* keys = nullptr;
  CipherId cipher = CipherId::XChaCha20Poly1305;  // of files written from now on
  VaultUuid vault;
  Uuid
      boot;  // boot-id of this start of the machine; recorded in every WAL (docs/architecture.md, "Opening")
  DataBarrier* barrier = nullptr;
  MetaStoreOwner* owner = nullptr;
};

class MetaStore {
 public:
  enum class Mode : std::uint8_t { Create, ReadWrite, ReadOnly };

  /// Opens the database on mirrors that hold the same state (made by Create, by a clean close, or by
  /// MetaImage::establish). ReadOnly never writes to them. `position` = the last position of the image.
  static Result<std::unique_ptr<MetaStore>> open(Mode mode, MetaStoreDeps deps,
                                                 std::vector<MirrorDirectory> mirrors,
                                                 MetaStoreOptions options);
  ~MetaStore();

  /// Applies the batch atomically. The position is its place in the order.
  Result<CommitPosition> commit(MetaBatch batch);
  /// Makes everything committed before the call durable (group commit: concurrent callers share one sync).
  Result<void> sync();
  [[nodiscard]] CommitPosition committed() const;
  [[nodiscard]] CommitPosition synced() const;

  Result<std::optional<std::string>> get(std::string_view key) const;
  /// In the order of `keys`.
  Result<std::vector<std::optional<std::string>>> get_many(std::span<const std::string> keys) const;
  /// Stands at the first row. An empty `upper` is the end. The store outlives its cursors.
  [[nodiscard]] std::unique_ptr<MetaCursor> cursor(std::string lower, std::string upper) const;

  /// @pre no cursor lives, no other call runs.
  /// A volume failed elsewhere: the mirror on it, if there is one, is given up too. `raise` syncs an epoch that names
  /// it no more; nothing succeeds in between. Any thread, RocksDB's included; `raise` must not call back into the store.
  Result<void> leave_out(std::uint8_t member_index, const std::function<Result<void>()>& raise);
  /// Reads every file on every mirror, but for those that are being written; what is wrong is made anew out of the others.
  MetadataCheck verify(MetadataRepair repair);
  /// One more mirror, made while the store is in use (docs/decisions/0012). `raise` syncs an epoch that names it, unless
  /// `still_good` says by then that it failed; it must not call back into the store. An error, also of `raise`, says that no
  /// epoch names it: the store is as it was, and nothing uses the directory any more; it may be removed.
  using StillGood = std::function<bool()>;
  Result<void> add_mirror(const MirrorDirectory& where,
                          const std::function<Result<void>(const StillGood&)>& raise);
  /// From now on every commit and sync fails: the vault turned read-only.
  void freeze();
  /// A commit or sync failed, or freeze() was called: none will succeed again.
  [[nodiscard]] bool failed() const;

  /// Flushes everything into tables, syncs, closes: afterwards the mirrors are equal and need no recovery.
  Result<void> close();
  /// Bytes of the metadata files on one mirror.
  [[nodiscard]] std::uint64_t bytes_on_disk() const;
  /// Members whose mirror gave bytes that did not verify while another mirror served the read: for heal.
  [[nodiscard]] std::vector<std::uint8_t> damaged_members() const;

 private:
  struct Impl;
  explicit MetaStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
