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
#include <string>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/meta/file_catalog.h"
#include "vault/meta/frame_ledger.h"
#include "vault/meta/mirror_set.h"
#include "vault/meta/sealed_blocks.h"
#include "vault/volume/volume.h"

namespace coffer::meta {

/// What writers share; owned by the file system.
struct WriterDeps {
  SealingContext sealing;
  MirrorSet* mirrors = nullptr;
  FrameLedger* ledger = nullptr;
  FileCatalog* catalog = nullptr;
  DataBarrier* barrier = nullptr;  // may be null: rows refer to nothing
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
class MirroredOutput {
 public:
  /// Creates the file on all mirrors.
  static Result<std::unique_ptr<MirroredOutput>> create(const WriterDeps& deps, std::string name);
  Result<void> append(std::string_view sealed) EXCLUDES(late_mutex_);
  /// Also the directory entry, the first time.
  Result<void> sync() EXCLUDES(late_mutex_);
  /// Nothing is held back any more.
  Result<void> flush() EXCLUDES(late_mutex_);

 private:
  static constexpr std::size_t kLateBytes = std::size_t{256} << 10;
  static constexpr std::uint64_t kZerosAhead = std::uint64_t{1} << 20;
  static constexpr std::uint64_t kBytesPerSyncMost = std::uint64_t{64} << 10;
  static constexpr std::uint64_t kSyncsBeforeZeros = 4;

  MirroredOutput(const WriterDeps& deps, std::string name);
  [[nodiscard]] bool late(std::size_t mirror) const { return log_ && deps_.mirrors->twin(mirror); }
  Result<void> append_late(std::size_t mirror, std::string_view sealed) EXCLUDES(late_mutex_);
  Result<void> flush_late(std::size_t mirror) REQUIRES(late_mutex_);
  void write_zeros_ahead();

  const WriterDeps deps_;
  const std::string name_;
  const bool log_;
  bool any_late_ = false;  // const once created
  std::vector<std::unique_ptr<AreaFile>>
      files_;  // by mirror; null where the mirror was dropped before
  std::atomic<bool> entry_synced_{false};
  // Zeros ahead of a log's end: the appender's, but for the number of syncs.
  std::atomic<std::uint64_t> syncs_{0};
  std::uint64_t written_ = 0;
  std::uint64_t zeros_until_ = 0;
  Mutex late_mutex_;  // a sync may run beside an append
  std::string late_
      GUARDED_BY(late_mutex_);  // what the log's twin does not have yet; there is one at most
};

Result<std::unique_ptr<rocksdb::FSWritableFile>> new_block_writer(const WriterDeps& deps,
                                                                  const std::string& name);
Result<std::unique_ptr<rocksdb::FSWritableFile>> new_frame_writer(const WriterDeps& deps,
                                                                  const std::string& name);

/// Bytes that RocksDB's log format needs for a record of `payload` bytes which begins at `file_offset`
/// (blocks of 32 KiB, a 7-byte header for every piece).
std::uint64_t log_record_bytes(std::uint64_t file_offset, std::uint64_t payload);

}  // namespace coffer::meta
