#pragma once
/// MirroredFileSystem: the rocksdb::FileSystem under the metadata database. Every file is sealed and lies on every mirror.
///
/// Format    docs/format.md §4. RocksDB sees one flat directory, kDatabasePath, and plaintext sizes.
/// Owns      the catalog of names, the ledger of frames. Borrows the mirrors and the barrier.
/// Threads   any (as RocksDB asks).
/// Errors    IOError (not retryable), its NoSpace subcode, NotFound, Corruption (nothing verifies on any mirror).
/// Access    Complete: logs and manifests must end where their chain ends. Tolerant, for reading what a crash left: the
///           chain's end is the file's end, but a hole in a manifest is still an error, for an old list of tables
///           is not a prefix of the history. Both: a read-only file system writes nothing.

#include <rocksdb/file_system.h>

#include <memory>
#include <set>
#include <string>

#include "vault/meta/mirrored_writers.h"

namespace coffer::meta {

inline constexpr const char* kDatabasePath = "/meta";

class MirroredFileSystem final : public rocksdb::FileSystem {
 public:
  enum class Access : std::uint8_t { ReadWrite, ReadOnly };
  enum class Logs : std::uint8_t { Complete, Tolerant };

  MirroredFileSystem(WriterDeps deps, Access access, Logs logs);
  ~MirroredFileSystem() override;

  /// Reads the names on all mirrors. Once, first.
  Result<void> load_catalog();
  /// Once nothing writes any more: what twins got late is on disk too, and tables of which a mirror gave wrong bytes are
  /// whole again. The other files are made anew by the next opening, which links tables as they are.
  void settle();
  /// Every file on every mirror, and with Repair what is wrong there made anew. Logs and manifests that are being written are read
  /// as far as they were when their turn came, and cannot be made anew; tables are read once they are whole.
  MetadataCheck verify(MetadataRepair repair);
  /// Gives a mirror that joins every file that it does not have yet, synced. @pre RocksDB deletes nothing meanwhile
  Result<void> fill(std::size_t mirror);
  /// Closes what is being written there.
  void let_go(std::size_t mirror) { outputs_.leave(mirror); }

  const char* Name() const override { return "coffer.MirroredFileSystem"; }

  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using IODebugContext = rocksdb::IODebugContext;
  using FileOptions = rocksdb::FileOptions;

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* dbg) override;
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* dbg) override;
  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* dbg) override;
  /// Never: nothing is appended to after a restart, and nothing is overwritten.
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext* dbg) override;
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                             IODebugContext* dbg) override;
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* dbg) override;
  IOStatus FileExists(const std::string& path, const IOOptions& options,
                      IODebugContext* dbg) override;
  IOStatus GetChildren(const std::string& path, const IOOptions& options,
                       std::vector<std::string>* result, IODebugContext* dbg) override;
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* dbg) override;
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* dbg) override;
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* dbg) override;
  IOStatus DeleteDir(const std::string& path, const IOOptions& options,
                     IODebugContext* dbg) override;
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* size,
                       IODebugContext* dbg) override;
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions& options,
                                   std::uint64_t* time, IODebugContext* dbg) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* dbg) override;
  /// One process has the vault (the volumes' locks see to it), and one store its directory.
  IOStatus LockFile(const std::string& path, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* dbg) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& options,
                      IODebugContext* dbg) override;
  IOStatus GetTestDirectory(const IOOptions& options, std::string* path,
                            IODebugContext* dbg) override;
  IOStatus NewLogger(const std::string& path, const IOOptions& options,
                     std::shared_ptr<rocksdb::Logger>* result, IODebugContext* dbg) override;
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions& options, std::string* result,
                           IODebugContext* dbg) override;
  IOStatus IsDirectory(const std::string& path, const IOOptions& options, bool* is_directory,
                       IODebugContext* dbg) override;

  [[nodiscard]] FrameLedger& ledger() { return ledger_; }
  [[nodiscard]] std::uint64_t bytes_on_disk() const { return catalog_.total(); }

 private:
  Result<std::string> load_frames(const std::string& name);
  Result<void> sync_twin(std::size_t mirror);
  Result<void> mend_tables(std::size_t mirror);
  Result<void> verify_file(const std::string& name, MetadataRepair repair, MetadataCheck& check);
  void repair_copy(const std::string& name, std::size_t mirror, MetadataCheck& check);
  Result<void> write_copy(const std::string& name, std::size_t mirror, const std::string& path);
  Result<void> mend(const std::string& name, std::size_t mirror);
  Result<void> copy_closed(const std::string& name, std::size_t mirror);

  WriterDeps deps_;
  const Access access_;
  const Logs logs_;
  FrameLedger ledger_;
  FileCatalog catalog_;
  OpenOutputs outputs_;
  std::set<std::string> disputed_;  // mirrors differ in size; const after load_catalog()
};

}  // namespace coffer::meta
