#pragma once
/// Volume: one directory on one disk, the unit of failure. Two faces:
///
///   ShardStore  bulk data. Completion-based: a call owns its buffers (IoSlice) and may be
///               abandoned; the completion runs exactly once, on the caller's thread (inline) or on another one.
///               No overwrite: each byte range of a shard file is written at most once. replace() is all
///               that is asked of renaming: a store of objects does it by a put.
///   FileArea    superblock, key slots and metadata files: small blocking POSIX-like
///               calls on relative paths.
///
/// Threads   everything may be called from any thread, except that one FileHandle's append is
///           single-threaded.
/// Errors    Io, NoSpace, NotFound, Exists, ReadOnly, TimedOut (gave up waiting), NotSupported.
///           After a failed sync of a file its content is unknown: sync of that handle keeps
///           failing with Io (fsync(2), "Linux marks the pages clean"), so nobody can retry it by
///           mistake.
/// Durable   bytes after their file's sync; a name after sync_directory of its parent (create_shard
///           included: the first sync of a new shard file also syncs its directory entry).

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "coffer/core/strong_id.h"

namespace coffer {

template <typename T>
using Completion = std::function<void(Result<T>)>;

struct VolumeSpace {
  ByteCount total;
  ByteCount available;  // to us; already without what the system reserves for root
};

class ShardFile {
 public:
  virtual ~ShardFile() = default;
  /// Writes all of `pieces` one after another at `at`.
  virtual void write(ByteOffset at, std::vector<IoSlice> pieces, Completion<void> done) = 0;
  /// Fills `into`; a read that crosses the end of the file completes with fewer bytes.
  virtual void read(ByteOffset at, IoSlice into, Completion<ByteCount> done) = 0;
  virtual void sync(Completion<void> done) = 0;
  /// Starts writeback of what was written; a hint without a promise.
  virtual void start_writeback(ByteOffset at, ByteCount length) = 0;
  /// Starts to fetch what will be read soon; likewise.
  virtual void start_readahead(ByteOffset at, ByteCount length) = 0;
  /// Later reads shall come from the medium: for who wrote, synced and now wants proof. A hint.
  virtual void forget_cached() {}
  virtual Result<ByteCount> size() = 0;
};

class ShardStore {
 public:
  virtual ~ShardStore() = default;
  /// `name` is a segment uid in hex; the file is `segments/<first two>/<name>.shard`. Exclusive.
  virtual void create(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) = 0;
  virtual void open(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) = 0;
  virtual void remove(std::string_view name, Completion<void> done) = 0;
  /// The shard `from`, written and synced, takes the name `to`, durably, in place of what may be there:
  /// the name has at every moment the old content or the new one. Handles of the old content keep it.
  /// The first two digits of both names are the same (else InvalidArgument).
  virtual void replace(std::string_view from, std::string_view to, Completion<void> done) = 0;
  virtual void list(Completion<std::vector<std::string>> done) = 0;
};

/// One open file of the FileArea. Append-only writers, positional readers.
class AreaFile {
 public:
  virtual ~AreaFile() = default;
  virtual Result<void> append(Bytes data) = 0;
  /// Writes zeros from the end up to at least `bytes` behind it, for appends to overwrite: a sync that finds neither a new
  /// size nor new blocks has no journal to wait for (docs/decisions/0011). The zeros count in size(). Whatever a failure
  /// leaves behind the end does no harm. Called by the one who appends.
  virtual Result<void> write_zeros_ahead(ByteCount bytes) = 0;
  virtual Result<std::size_t> read(ByteOffset at,
                                   MutableBytes into) = 0;  // short at the end of the file
  virtual Result<void> sync() = 0;
  virtual Result<ByteCount> size() = 0;
};

struct AreaEntry {
  std::string name;
  bool directory = false;
  ByteCount size;
};

class FileArea {
 public:
  enum class Create { Exclusive, Truncate };
  virtual ~FileArea() = default;
  virtual Result<std::unique_ptr<AreaFile>> create(std::string_view path, Create mode) = 0;
  virtual Result<std::unique_ptr<AreaFile>> open(
      std::string_view path) = 0;  // for reading (and sync)
  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;  // replaces `to`
  virtual Result<void> link(std::string_view from, std::string_view to) = 0;    // hard link
  virtual Result<void> remove(std::string_view path) = 0;
  virtual Result<void> make_directory(std::string_view path) = 0;  // parents too; fine if it exists
  virtual Result<void> remove_directory(std::string_view path) = 0;  // empty
  virtual Result<std::vector<AreaEntry>> list(std::string_view path) = 0;
  virtual Result<void> sync_directory(std::string_view path) = 0;
  /// Reserves disk blocks for `path` (posix_fallocate): the ballast that keeps metadata alive when
  /// full.
  virtual Result<void> reserve(std::string_view path, ByteCount bytes) = 0;
};

class Volume {
 public:
  virtual ~Volume() = default;
  virtual ShardStore& shards() = 0;
  virtual FileArea& files() = 0;
  virtual Result<VolumeSpace> space() = 0;
  /// Takes the volume for this process (flock); Busy if another process has it. Dropped on
  /// destruction.
  virtual Result<void> lock() = 0;
  /// Where it is, for messages and path hints.
  [[nodiscard]] virtual std::string path() const = 0;
  /// A number that is equal for volumes on one device (st_dev), for the warning at init.
  [[nodiscard]] virtual std::uint64_t device() const = 0;
};

/// Reads a whole small file (≤ `limit` bytes, else TooLarge).
Result<std::string> read_file(FileArea& files, std::string_view path, ByteCount limit);
/// Writes `path` so that after success it is durable, whole and never half there: temporary file,
/// sync, rename, sync of the directory.
Result<void> write_file_atomically(FileArea& files, std::string_view path, Bytes content);

}  // namespace coffer
