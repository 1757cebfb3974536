#pragma once
/// SegmentStore: append-only, erasure-coded, sealed home of file bytes.
///
/// Format    docs/format.md §3. This header never restates offsets.
/// Owns      open segments with their stripe buffers, shard file handles, the chunk cache.
/// Borrows   what SegmentStoreDeps names; all of it outlives the store.
/// Threads   everything from any thread; close() once, last.
/// Errors    NoSpace, Io (fewer than k shards), Corrupt, AuthenticationFailed, NotFound (no such
///           segment: the caller's snapshot is old, look again), ReadOnly, ShuttingDown.
///
/// Invariants
///   1. A (segment key, ordinal) pair seals one plaintext, ever: ordinals are handed out under a
///      mutex, and a segment that failed a write or sync, or that was open at a crash, is never
///      appended to again.
///   2. A stripe's bytes are written once; synced bytes never share a 4 KiB block with bytes that
///      are written later.
///   3. After sync() of All stripes returned, every place handed out before it began is in a closed stripe, with
///      parity, synced on all its volumes or recorded as degraded, and readable from any k of its
///      shards.
///   4. Nothing here waits for the database while it holds a mutex or an unfilled reservation.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/vault/ids.h"
#include "coffer/vault/uuid.h"
#include "vault/segment/place.h"

namespace coffer {

class SegmentJournal;
class Volume;
struct ListedShards;
struct OwnersOfSegment;
struct SegmentReceipt;
struct SegmentStoreDeps;
struct SegmentStoreOptions;

/// What the database keeps of a segment (row `segment`, docs/format.md §5).
struct SegmentInfo {
  enum class State : std::uint8_t { Open = 1, Sealed = 2 };
  SegmentId id;
  SegmentUid uid;  // names the shard files, derives the key
  std::uint8_t k = 1;
  std::uint8_t m = 0;
  std::vector<std::uint8_t> members;  // k+m member indexes (superblock); slot order
  std::uint32_t data_epoch = 0;
  State state = State::Open;
  std::uint32_t shard_bytes_max = 0;
};

void encode_segment_info(ByteWriter& out, const SegmentInfo& info);  // all but id
SegmentInfo decode_segment_info(SegmentId id, ByteReader& in);

/// One shard of one stripe, as it appears on the degraded list and in reports.
struct ShardRef {
  SegmentId segment;
  std::uint32_t stripe = 0;
  std::uint8_t shard = 0;  // 0..k+m-1
  auto operator<=>(const ShardRef&) const = default;
};

/// What the store asks of its owner. Called without a mutex of the store.
///   append, seal_open, close   add_segment, segment_sealed: may block on the database.
///   sync, write_out            volume_failed, shards_degraded. sync() may be running inside of the
///                              database's own WAL sync or flush: these two must not wait for it.
///   read                       shard_damaged: must not block.
class SegmentJournal {
 public:
  virtual ~SegmentJournal() = default;
  /// Gives the new segment its id and puts its row into the database (written, not synced) before
  /// returning.
  virtual Result<SegmentId> add_segment(const SegmentInfo& info) = 0;
  /// All of the segment is closed and synced, and nothing is appended to it any more.
  virtual void segment_sealed(const SegmentInfo& info) = 0;
  /// These shards are missing or unknown; returns once a row says so (written; the following WAL
  /// sync makes it durable).
  virtual Result<void> shards_degraded(std::span<const ShardRef> shards) = 0;
  /// Member `index` failed a write or sync. Returns once a configuration epoch that calls it stale
  /// is synced on the reachable volumes; only then may success be answered that skipped it.
  /// Idempotent.
  virtual Result<void> volume_failed(std::uint8_t member_index, const Error& why) = 0;
  /// A read found a shard that does not verify (a hint for heal).
  virtual void shard_damaged(const ShardRef& shard) = 0;
};

class SegmentStore {
 public:
  enum class Stream : std::uint8_t { NewData, Survivors };
  enum class CacheUse : std::uint8_t {
    Keep,
    Bypass
  };  // Bypass: streaming reads do not enter the chunk cache

  explicit SegmentStore(SegmentStoreDeps deps, SegmentStoreOptions options);
  ~SegmentStore();

  /// Makes an existing segment known (from its row, at open). Never appended to.
  void add_known(const SegmentInfo& info);

  /// Seals `plain`, which is what stands at `offset` of `inode`, and says where it landed: runs in
  /// file order, references cover exactly `plain`. Readable at once through read(); in shard files
  /// after write_out().
  Result<std::vector<Reference>> append(Stream stream, InodeId inode, ByteOffset offset,
                                        Bytes plain);

  /// How many more bytes append() would take, about: not more than one stripe too many.
  Result<std::uint64_t> room(Stream stream = Stream::NewData);

  /// Hands everything appended so far to the volumes' files (survives kill -9 of this process).
  Result<void> write_out();

  /// The data half of the commit barrier: closes open stripes, writes parity and headers, syncs all
  /// volumes in parallel.
  /// Survivors are named by nobody before whoever appended them asked for All, so that others' syncs need not cut their stripes
  /// short (docs/decisions/0014).
  enum class Stripes : std::uint8_t { All, NewData };
  Result<void> sync(Stripes to_close = Stripes::All);

  /// Plaintext [skip, skip + out.size()) of the run. Never unauthenticated bytes. Rebuilds from
  /// other shards when a shard is absent, fails or does not verify. @pre skip + out.size() <=
  /// place.bytes
  Result<void> read(const Place& place, std::uint32_t skip, MutableBytes out, CacheUse use);

  /// Bytes that were handed out exist on too few shards: every sync fails.
  [[nodiscard]] bool has_lost_bytes() const;
  /// The same range will be read soon: its volume starts to fetch it. Promises nothing.
  void read_ahead(const Place& place, std::uint32_t skip, std::uint32_t length);

  /// For recovery: every chunk of the run can be given or rebuilt.
  Result<void> verify(const Place& place);
  /// For recovery: a valid header of that stripe exists on some shard (it was closed, parity
  /// written).
  Result<bool> stripe_closed(SegmentId segment, std::uint32_t stripe);
  /// For recovery: syncs every present shard file of a segment that was open at the crash. The
  /// members whose sync failed count as lost for it.
  Result<std::vector<std::uint8_t>> sync_known(SegmentId segment);

  /// Forgets a segment without live bytes and removes its shard files (once running reads ended).
  /// Busy for one that is still appended to.
  Result<void> remove(SegmentId segment);
  // Upkeep of sealed segments: segment_repair.h has the contract; one caller at a time.
  using UpkeepStep = std::function<Result<void>(std::uint64_t bytes)>;
  Result<SegmentReceipt> check(SegmentId segment, const ListedShards& listed,
                               const UpkeepStep& step);
  /// Makes the files in `slots` (bits) anew, on the volumes that are current there.
  Result<SegmentReceipt> rebuild(SegmentId segment, std::uint32_t slots, const ListedShards& listed,
                                 const UpkeepStep& step);
  /// Makes the file in `slot` on a volume that is no member yet.
  Result<SegmentReceipt> rebuild_on(SegmentId segment, std::uint32_t slot, Volume& volume,
                                    const UpkeepStep& step);
  /// The segment's file in this slot is missing as a whole: nobody looks for it until it was rebuilt.
  void mark_missing(SegmentId segment, std::uint32_t slot);
  struct Survey {
    std::uint32_t missing_slots = 0;  // bits: no file is there although the volume is current
    std::uint64_t longest_file = 0;
  };
  /// NotFound: no such segment (any more).
  Result<Survey> survey(SegmentId segment);
  /// Whose bytes were appended to a sealed segment, by the owner indexes of its stripes. NotFound.
  Result<OwnersOfSegment> owners(SegmentId segment);
  /// Of a sealed segment, as data (parity not counted): what it can hold at most; what its files have room for, which is more
  /// than they hold where stripes were closed early; and what was appended, 0 where that is not known.
  [[nodiscard]] Result<std::uint64_t> capacity(SegmentId segment) const;
  [[nodiscard]] Result<std::uint8_t> data_shards(SegmentId segment) const;
  Result<std::uint64_t> stored_bytes_max(SegmentId segment);
  [[nodiscard]] Result<std::uint64_t> appended_bytes(SegmentId segment) const;
  /// Data shards that a segment made now would have.
  [[nodiscard]] std::uint8_t data_shards_now() const;
  /// Grows with every stripe of survivors that exists on too few shards.
  [[nodiscard]] std::uint64_t copies_lost() const;
  /// Some open or unsynced segment counts on this member.
  [[nodiscard]] bool writes_to(std::uint8_t member) const;
  /// The member takes part again, with this volume or another one: what was held against it is forgotten.
  void member_returned(std::uint8_t member);

  /// Ends the open segments; further appends open new ones.
  Result<void> seal_open();
  /// The volumes changed (absent, returned): later segments use the new set.
  void volumes_changed();
  Result<void> close();

  struct Stats {
    std::uint64_t bytes_unsynced;  // appended since the last sync
    std::uint64_t shard_bytes_written, plain_bytes_appended, syncs;
    std::uint64_t survivor_bytes_appended;  // of plain_bytes_appended: moved, not new
    std::uint64_t cache_hits, cache_misses, rebuilt_reads;
    std::uint32_t current_k, current_m;
  };
  [[nodiscard]] Stats stats() const;

  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer
