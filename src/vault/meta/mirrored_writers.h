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

/// The mirrors' handles of one file that is being written.
class MirroredOutput {
 public:
  /// Creates the file on all mirrors.
  static Result<std::unique_ptr<MirroredOutput>> create(const WriterDeps& deps, std::string name);
  Result<void> append(std::string_view sealed);
  /// Also the directory entry, the first time.
  Result<void> sync();

 private:
  MirroredOutput(const WriterDeps& deps, std::string name);
  const WriterDeps deps_;
  const std::string name_;
  std::vector<std::unique_ptr<AreaFile>>
      files_;  // by mirror; null where the mirror was dropped before
  std::atomic<bool> entry_synced_{false};
};

Result<std::unique_ptr<rocksdb::FSWritableFile>> new_block_writer(const WriterDeps& deps,
                                                                  const std::string& name);
Result<std::unique_ptr<rocksdb::FSWritableFile>> new_frame_writer(const WriterDeps& deps,
                                                                  const std::string& name);

/// Bytes that RocksDB's log format needs for a record of `payload` bytes which begins at `file_offset`
/// (blocks of 32 KiB, a 7-byte header for every piece).
std::uint64_t log_record_bytes(std::uint64_t file_offset, std::uint64_t payload);

}  // namespace coffer::meta
