#pragma once
/// The two writers behind rocksdb::FSWritableFile: blocks for tables and small files, frames for logs and manifests. Each
/// seals once and writes the same ciphertext to every mirror.
///
/// Threads   one writer thread; Sync of a frame file from any other at the same time (IsSyncThreadSafe).
/// Durable   after Sync; the first one includes the file's directory entry. A table's Sync first makes the data durable
///           that its rows refer to (docs/architecture.md), a log's likewise unless the caller did (BarrierDone).

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/meta/file_catalog.h"
#include "vault/meta/frame_ledger.h"
#include "vault/meta/mirror_set.h"
#include "vault/meta/sealed_blocks.h"
#include "vault/volume/volume.h"

namespace coffer::meta {

class OpenOutputs;

/// What writers share; owned by the file system.
struct WriterDeps {
  SealingContext sealing;
  MirrorSet* mirrors = nullptr;
  FrameLedger* ledger = nullptr;
  FileCatalog* catalog = nullptr;
  DataBarrier* barrier = nullptr;  // may be null: rows refer to nothing
  OpenOutputs* outputs = nullptr;
};

/// While one lives, log syncs on this thread trust that the data barrier was passed already.
class BarrierDone {
 public:
  BarrierDone();
  ~BarrierDone();
  BarrierDone(const BarrierDone&) = delete;
  BarrierDone& operator=(const BarrierDone&) = delete;
};

/// The mirrors' handles of one file that is being written. A log's twin is written in large pieces, at the latest by sync(),
/// and not synced: it is there for bytes that rot, not for a power loss (docs/decisions/0009).
///
/// Threads   append and flush from one, sync and join from any.
class MirroredOutput {
 public:
  /// Creates the file on all mirrors.
  static Result<std::unique_ptr<MirroredOutput>> create(const WriterDeps& deps, std::string name);
  ~MirroredOutput();
  MirroredOutput(const MirroredOutput&) = delete;
  MirroredOutput& operator=(const MirroredOutput&) = delete;

  Result<void> append(std::string_view sealed) EXCLUDES(files_mutex_, late_mutex_);
  /// Also the directory entry, the first time.
  Result<void> sync() EXCLUDES(files_mutex_, late_mutex_);
  /// Nothing is held back any more.
  Result<void> flush() EXCLUDES(files_mutex_, late_mutex_);
  /// Gives a mirror that joins what was written so far, synced; it gets the rest with the others.
  Result<void> join(std::size_t mirror) EXCLUDES(files_mutex_);
  /// The mirror is not one any more.
  void leave(std::size_t mirror) EXCLUDES(files_mutex_);
  [[nodiscard]] const std::string& name() const { return name_; }
  /// What every mirror has of it, in whole frames or blocks; not their twins.
  [[nodiscard]] std::uint64_t bytes() const EXCLUDES(files_mutex_);

 private:
  static constexpr std::size_t kLateBytes = std::size_t{256} << 10;
  static constexpr std::uint64_t kZerosAhead = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kBytesPerSyncMost = std::uint64_t{64} << 10;
  static constexpr std::uint64_t kSyncsBeforeZeros = 4;
  using Files = std::vector<std::shared_ptr<AreaFile>>;

  MirroredOutput(const WriterDeps& deps, std::string name);
  [[nodiscard]] bool late(std::size_t mirror) const { return log_ && deps_.mirrors->twin(mirror); }
  Result<void> append_late(AreaFile& file, std::string_view sealed) EXCLUDES(late_mutex_);
  Result<void> flush_late(AreaFile& file) REQUIRES(late_mutex_);
  [[nodiscard]] Files files() const EXCLUDES(files_mutex_);
  void write_zeros_ahead() REQUIRES(files_mutex_);
  Result<void> copy_so_far(std::size_t mirror, AreaFile& to) REQUIRES(files_mutex_);

  const WriterDeps deps_;
  const std::string name_;
  const bool log_;
  bool any_late_ = false;  // const once created
  std::atomic<bool> entry_synced_{false};
  mutable Mutex files_mutex_;  // held across an append: a mirror joins between two of them
  Files files_ GUARDED_BY(
      files_mutex_);  // by mirror; null where it was dropped before, or has not joined yet
  std::uint64_t bytes_ GUARDED_BY(files_mutex_) = 0;  // without zeros ahead
  std::uint64_t zeros_until_ GUARDED_BY(files_mutex_) = 0;
  std::atomic<std::uint64_t> syncs_{0};
  Mutex late_mutex_;  // a sync may run beside an append
  std::string late_
      GUARDED_BY(late_mutex_);  // what the log's twin does not have yet; there is one at most
};

/// The outputs that are open, for mirrors that join. Any thread.
class OpenOutputs {
 public:
  void add(MirroredOutput& output) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_.insert(&output);
  }
  void remove(MirroredOutput& output) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    open_.erase(&output);
  }
  /// How long `name` is on every mirror by now, while it is being written.
  [[nodiscard]] std::optional<std::uint64_t> bytes_of(const std::string& name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (const MirroredOutput* output : open_)
      if (output->name() == name) return output->bytes();
    return std::nullopt;
  }
  /// All of them, and their names. None is closed meanwhile.
  Result<std::set<std::string>> join(std::size_t mirror) EXCLUDES(mutex_);
  void leave(std::size_t mirror) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    for (MirroredOutput* output : open_) output->leave(mirror);
  }

 private:
  Mutex mutex_;
  std::set<MirroredOutput*> open_ GUARDED_BY(mutex_);
};

Result<std::unique_ptr<rocksdb::FSWritableFile>> new_block_writer(const WriterDeps& deps,
                                                                  const std::string& name);
Result<std::unique_ptr<rocksdb::FSWritableFile>> new_frame_writer(const WriterDeps& deps,
                                                                  const std::string& name);

/// Bytes that RocksDB's log format needs for a record of `payload` bytes which begins at `file_offset`
/// (blocks of 32 KiB, a 7-byte header for every piece).
std::uint64_t log_record_bytes(std::uint64_t file_offset, std::uint64_t payload);

}  // namespace coffer::meta
