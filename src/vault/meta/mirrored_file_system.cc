#include "vault/meta/mirrored_file_system.h"

#include <algorithm>

#include "coffer/core/log.h"
#include "vault/meta/block_file.h"
#include "vault/meta/frame_file.h"
#include "vault/meta/rocksdb_log.h"
#include "vault/meta/rocksdb_status.h"

namespace coffer::meta {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr std::string_view kPrefix = "/meta/";

bool is_root(const std::string& path) { return path == kDatabasePath || path == kPrefix; }

// The name inside of our one directory; empty for any other path.
std::string name_of(const std::string& path) {
  if (!path.starts_with(kPrefix)) return {};
  std::string name = path.substr(kPrefix.size());
  while (name.starts_with('/')) name.erase(0, 1);
  return name.find('/') == std::string::npos ? name : std::string();
}

constexpr std::string_view kIdentityFile = "IDENTITY";

IOStatus not_found() { return IOStatus::NotFound("metadata file"); }

// A log or manifest, verified and unsealed as a whole when it was opened.
class LoadedFile final : public rocksdb::FSSequentialFile {
 public:
  explicit LoadedFile(std::string plain) : plain_(std::move(plain)) {}
  IOStatus Read(std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*dbg*/) override {
    const std::size_t take = std::min(n, plain_.size() - at_);
    std::copy_n(plain_.data() + at_, take, scratch);
    at_ += take;
    *result = Slice(scratch, take);
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += std::min<std::uint64_t>(n, plain_.size() - at_);
    return IOStatus::OK();
  }

 private:
  const std::string plain_;
  std::size_t at_ = 0;
};

class SequentialBlocks final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialBlocks(std::unique_ptr<BlockFile> file) : file_(std::move(file)) {}
  IOStatus Read(std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*dbg*/) override {
    const auto got = file_->read(at_, {reinterpret_cast<std::byte*>(scratch), n});
    if (!got) return to_io_status(got.error());
    at_ += *got;
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<BlockFile> file_;
  std::uint64_t at_ = 0;
};

class RandomBlocks final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomBlocks(std::unique_ptr<BlockFile> file) : file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*dbg*/) const override {
    const auto got = file_->read(offset, {reinterpret_cast<std::byte*>(scratch), n});
    if (!got) return to_io_status(got.error());
    *result = Slice(scratch, *got);
    return IOStatus::OK();
  }
  // The kernel reads ahead. Where a file system cannot, RocksDB reads far more than it needs (a table's open: half a megabyte
  // of its end), and one bad block in there would take all of that with it.
  IOStatus Prefetch(std::uint64_t /*offset*/, std::size_t /*n*/, const IOOptions& /*options*/,
                    IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<BlockFile> file_;
};

class MirroredDirectory final : public rocksdb::FSDirectory {
 public:
  MirroredDirectory(MirrorSet& mirrors, FrameLedger& ledger) : mirrors_(mirrors), ledger_(ledger) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    const auto synced = mirrors_.write(MirrorSet::Order::Parallel, [this](std::size_t i) {
      return mirrors_.files(i).sync_directory(mirrors_.directory(i));
    });
    if (synced) ledger_.directory_synced();
    return to_io_status(synced);
  }
  // The base class answers NotSupported.
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }

 private:
  MirrorSet& mirrors_;
  FrameLedger& ledger_;
};

}  // namespace

MirroredFileSystem::MirroredFileSystem(WriterDeps deps, Access access, Logs logs)
    : deps_(deps), access_(access), logs_(logs) {
  deps_.ledger = &ledger_;
  deps_.catalog = &catalog_;
  deps_.outputs = &outputs_;
}

MirroredFileSystem::~MirroredFileSystem() = default;

Result<void> MirroredFileSystem::load_catalog() {
  MirrorSet& mirrors = *deps_.mirrors;
  bool listed = false;
  Error error;
  for (std::size_t i = 0; i < mirrors.size(); ++i) {
    auto entries = mirrors.files(i).list(mirrors.directory(i));
    if (!entries) {
      error = std::move(entries).error();
      mirrors.note_damage(i);
      continue;
    }
    listed = true;
    for (const AreaEntry& entry : *entries) {
      if (entry.directory) continue;
      const auto known = catalog_.find(entry.name);
      if (known && *known != entry.size.value()) disputed_.insert(entry.name);
      if (!known || *known < entry.size.value()) catalog_.set(entry.name, entry.size.value());
    }
  }
  if (!listed) return fail(std::move(error));
  return {};
}

void MirroredFileSystem::settle() {
  MirrorSet& mirrors = *deps_.mirrors;
  for (std::size_t i = 0; i < mirrors.size(); ++i) {
    if (!mirrors.good(i)) continue;
    if (mirrors.twin(i) && !sync_twin(i)) mirrors.note_damage(i);
    if (auto mended = mend_tables(i); !mended) {
      log_warning("a damaged table of the metadata on volume {} stays: {}",
                  mirrors.where(i).member_index, mended.error().context);
    }
  }
}

// Its logs; all else was synced with its first copy.
Result<void> MirroredFileSystem::sync_twin(std::size_t mirror) {
  const MirrorSet& mirrors = *deps_.mirrors;
  for (const std::string& name : catalog_.names()) {
    if (classify_name(name).kind != SealedKind::Log) continue;
    COFFER_ASSIGN(const auto file, mirrors.files(mirror).open(mirrors.path(mirror, name)));
    COFFER_TRY(file->sync());
  }
  return mirrors.files(mirror).sync_directory(mirrors.directory(mirror));
}

Result<void> MirroredFileSystem::mend_tables(std::size_t mirror) {
  MirrorSet& mirrors = *deps_.mirrors;
  FileArea& files = mirrors.files(mirror);
  for (const std::string& name : mirrors.damaged_files(mirror)) {
    if (classify_name(name).kind != SealedKind::Table || !catalog_.find(name)) continue;
    const std::string path = mirrors.path(mirror, name);
    COFFER_ASSIGN(const auto table, BlockFile::open(deps_.sealing, mirrors, name));
    COFFER_TRY(table->copy_to(files, path + ".new"));
    COFFER_TRY(files.rename(path + ".new", path));
    COFFER_TRY(files.sync_directory(mirrors.directory(mirror)));
  }
  return {};
}

Result<std::string> MirroredFileSystem::load_frames(const std::string& name) {
  const bool manifest = classify_name(name).kind == SealedKind::Manifest;
  auto loaded = load_frame_file(deps_.sealing, *deps_.mirrors, name);
  // A log without so much as its first frame was begun and not synced: nothing of it is part of the image (format.md §4.4), which
  // has been judged by who reads it like this. RocksDB would end the open.
  if (!loaded && !manifest && logs_ == Logs::Tolerant && loaded.error().code == Errc::Corrupt)
    return std::string();
  if (!loaded) return fail(std::move(loaded).error());
  FrameFile& file = *loaded;
  if (logs_ == Logs::Complete ? !file.complete : (manifest && file.hole)) {
    return fail(Errc::Corrupt, "a metadata log does not verify up to its end");
  }
  if (!manifest) ledger_.next_log(classify_name(name).number);
  ledger_.start_at(file.frames.back().info.position);
  return file.take_plain();
}

IOStatus MirroredFileSystem::NewSequentialFile(const std::string& path,
                                               const FileOptions& /*options*/,
                                               std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                               IODebugContext* /*dbg*/) {
  const std::string name = name_of(path);
  if (!catalog_.find(name)) return not_found();
  if (is_framed(classify_name(name).kind)) {
    auto plain = load_frames(name);
    if (!plain) return to_io_status(plain.error());
    *result = std::make_unique<LoadedFile>(std::move(*plain));
    return IOStatus::OK();
  }
  auto file = BlockFile::open(deps_.sealing, *deps_.mirrors, name);
  // Its one block is verified by now. It holds a name that nobody needs, and RocksDB makes it again where there is none, but
  // ends the open where it is damaged.
  if (!file && name == kIdentityFile) return not_found();
  if (!file) return to_io_status(file.error());
  *result = std::make_unique<SequentialBlocks>(std::move(*file));
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::NewRandomAccessFile(
    const std::string& path, const FileOptions& /*options*/,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* /*dbg*/) {
  const std::string name = name_of(path);
  if (!catalog_.find(name)) return not_found();
  if (is_framed(classify_name(name).kind)) return IOStatus::NotSupported("random access to a log");
  auto file = BlockFile::open(deps_.sealing, *deps_.mirrors, name);
  if (!file) return to_io_status(file.error());
  *result = std::make_unique<RandomBlocks>(std::move(*file));
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::NewWritableFile(const std::string& path,
                                             const FileOptions& /*options*/,
                                             std::unique_ptr<rocksdb::FSWritableFile>* result,
                                             IODebugContext* /*dbg*/) {
  const std::string name = name_of(path);
  if (access_ == Access::ReadOnly) return IOStatus::NotSupported("the metadata is open read-only");
  if (name.empty()) return IOStatus::InvalidArgument("no metadata file");
  auto writer = is_framed(classify_name(name).kind) ? new_frame_writer(deps_, name)
                                                    : new_block_writer(deps_, name);
  if (!writer) return to_io_status(writer.error());
  *result = std::move(*writer);
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::ReopenWritableFile(
    const std::string& /*path*/, const FileOptions& /*options*/,
    std::unique_ptr<rocksdb::FSWritableFile>* /*result*/, IODebugContext* /*dbg*/) {
  return IOStatus::NotSupported("sealed files are not appended to again");
}

IOStatus MirroredFileSystem::ReuseWritableFile(const std::string& /*path*/,
                                               const std::string& /*old_path*/,
                                               const FileOptions& /*options*/,
                                               std::unique_ptr<rocksdb::FSWritableFile>* /*result*/,
                                               IODebugContext* /*dbg*/) {
  return IOStatus::NotSupported("sealed files are not used again");
}

IOStatus MirroredFileSystem::NewDirectory(const std::string& path, const IOOptions& /*options*/,
                                          std::unique_ptr<rocksdb::FSDirectory>* result,
                                          IODebugContext* /*dbg*/) {
  if (!is_root(path)) return not_found();
  *result = std::make_unique<MirroredDirectory>(*deps_.mirrors, ledger_);
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::FileExists(const std::string& path, const IOOptions& /*options*/,
                                        IODebugContext* /*dbg*/) {
  return is_root(path) || catalog_.find(name_of(path)) ? IOStatus::OK() : not_found();
}

IOStatus MirroredFileSystem::GetChildren(const std::string& path, const IOOptions& /*options*/,
                                         std::vector<std::string>* result,
                                         IODebugContext* /*dbg*/) {
  if (!is_root(path)) return not_found();
  *result = catalog_.names();
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::DeleteFile(const std::string& path, const IOOptions& /*options*/,
                                        IODebugContext* /*dbg*/) {
  const std::string name = name_of(path);
  if (access_ == Access::ReadOnly) return IOStatus::NotSupported("the metadata is open read-only");
  if (!catalog_.find(name)) return not_found();
  const auto removed =
      deps_.mirrors->write(MirrorSet::Order::OneByOne, [&](std::size_t i) -> Result<void> {
        auto done = deps_.mirrors->files(i).remove(deps_.mirrors->path(i, name));
        if (!done && done.error().code == Errc::NotFound) return {};
        return done;
      });
  if (removed) catalog_.remove(name);
  return to_io_status(removed);
}

IOStatus MirroredFileSystem::CreateDir(const std::string& path, const IOOptions& options,
                                       IODebugContext* dbg) {
  return CreateDirIfMissing(path, options, dbg);
}

IOStatus MirroredFileSystem::CreateDirIfMissing(const std::string& path,
                                                const IOOptions& /*options*/,
                                                IODebugContext* /*dbg*/) {
  // MetaStore made it on every mirror before the database was opened.
  return is_root(path) ? IOStatus::OK() : IOStatus::NotSupported("metadata has one directory");
}

IOStatus MirroredFileSystem::DeleteDir(const std::string& /*path*/, const IOOptions& /*options*/,
                                       IODebugContext* /*dbg*/) {
  return IOStatus::NotSupported("metadata has one directory");
}

IOStatus MirroredFileSystem::GetFileSize(const std::string& path, const IOOptions& /*options*/,
                                         std::uint64_t* size, IODebugContext* /*dbg*/) {
  const std::string name = name_of(path);
  const auto disk_bytes = catalog_.find(name);
  if (!disk_bytes) return not_found();
  if (is_framed(classify_name(name).kind)) {
    const auto file = load_frame_file(deps_.sealing, *deps_.mirrors, name);
    if (!file) return to_io_status(file.error());
    *size = file->plain_bytes();
    return IOStatus::OK();
  }
  if (disputed_.contains(name)) {  // what verifies decides
    const auto file = BlockFile::open(deps_.sealing, *deps_.mirrors, name);
    if (!file) return to_io_status(file.error());
    *size = (*file)->size();
    return IOStatus::OK();
  }
  const auto layout = BlockLayout::of(*disk_bytes);
  if (!layout) return to_io_status(layout.error());
  *size = layout->plain_bytes;
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::GetFileModificationTime(const std::string& path,
                                                     const IOOptions& /*options*/,
                                                     std::uint64_t* time, IODebugContext* /*dbg*/) {
  *time = 0;  // nothing durable is ordered by a clock
  return catalog_.find(name_of(path)) ? IOStatus::OK() : not_found();
}

IOStatus MirroredFileSystem::RenameFile(const std::string& from, const std::string& to,
                                        const IOOptions& /*options*/, IODebugContext* /*dbg*/) {
  const std::string old_name = name_of(from);
  const std::string new_name = name_of(to);
  if (access_ == Access::ReadOnly) return IOStatus::NotSupported("the metadata is open read-only");
  if (!catalog_.find(old_name)) return not_found();
  if (new_name.empty() || classify_name(old_name) != classify_name(new_name)) {
    return IOStatus::NotSupported("a sealed file is bound to its number");
  }
  const auto renamed = deps_.mirrors->write(MirrorSet::Order::OneByOne, [&](std::size_t i) {
    return deps_.mirrors->files(i).rename(deps_.mirrors->path(i, old_name),
                                          deps_.mirrors->path(i, new_name));
  });
  if (renamed) {
    catalog_.rename(old_name, new_name);
    if (new_name == "CURRENT") ledger_.current_renamed();
  }
  return to_io_status(renamed);
}

IOStatus MirroredFileSystem::LockFile(const std::string& /*path*/, const IOOptions& /*options*/,
                                      rocksdb::FileLock** lock, IODebugContext* /*dbg*/) {
  *lock = new rocksdb::FileLock();
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions& /*options*/,
                                        IODebugContext* /*dbg*/) {
  delete lock;
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::GetTestDirectory(const IOOptions& /*options*/, std::string* /*path*/,
                                              IODebugContext* /*dbg*/) {
  return IOStatus::NotSupported("no test directory");
}

IOStatus MirroredFileSystem::NewLogger(const std::string& /*path*/, const IOOptions& /*options*/,
                                       std::shared_ptr<rocksdb::Logger>* result,
                                       IODebugContext* /*dbg*/) {
  *result = new_rocksdb_logger();
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::GetAbsolutePath(const std::string& path, const IOOptions& /*options*/,
                                             std::string* result, IODebugContext* /*dbg*/) {
  *result = path;
  return IOStatus::OK();
}

IOStatus MirroredFileSystem::IsDirectory(const std::string& path, const IOOptions& /*options*/,
                                         bool* is_directory, IODebugContext* /*dbg*/) {
  *is_directory = is_root(path);
  return is_root(path) || catalog_.find(name_of(path)) ? IOStatus::OK() : not_found();
}

}  // namespace coffer::meta
