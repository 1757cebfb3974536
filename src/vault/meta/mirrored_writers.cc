#include "vault/meta/mirrored_writers.h"

#include <algorithm>

#include "coffer/core/mutex.h"
#include "vault/meta/flush_backlog.h"
#include "vault/meta/rocksdb_status.h"

namespace coffer::meta {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

thread_local int t_barriers_done = 0;

Result<void> pass_barrier(DataBarrier* barrier) {
  if (barrier == nullptr) return {};
  const InBarrier in_barrier;
  return barrier->sync_data();
}

class BlockWriter final : public rocksdb::FSWritableFile {
 public:
  BlockWriter(const WriterDeps& deps, const std::string& name,
              std::unique_ptr<MirroredOutput> output)
      : deps_(deps),
        name_(classify_name(name)),
        identity_(SealedIdentity::create(deps.sealing, name_)),
        sealer_(identity_),
        output_(std::move(output)),
        sealed_(identity_.header()) {}
  ~BlockWriter() override = default;

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*dbg*/) override {
    if (auto sealed = sealer_.append(as_bytes({data.data(), data.size()}), sealed_); !sealed) {
      return to_io_status(sealed);
    }
    return sealed_.size() < kWriteBytes ? IOStatus::OK() : to_io_status(write_out());
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    if (name_.kind == SealedKind::Table) {
      if (auto passed = pass_barrier(deps_.barrier); !passed) return to_io_status(passed);
    }
    if (auto done = finish(); !done) return to_io_status(done);
    return to_io_status(output_->sync());
  }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return to_io_status(finish());
  }
  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return sealer_.plain_bytes();
  }

 private:
  static constexpr std::size_t kWriteBytes = std::size_t{256} << 10;

  Result<void> finish() {
    if (sealer_.finished() && sealed_.empty()) return {};
    COFFER_TRY(sealer_.finish(sealed_));
    return write_out();
  }
  Result<void> write_out() {
    COFFER_TRY(output_->append(sealed_));
    sealed_.clear();
    return {};
  }

  const WriterDeps deps_;
  const SealedName name_;
  const SealedIdentity identity_;
  BlockSealer sealer_;
  std::unique_ptr<MirroredOutput> output_;
  std::string sealed_;  // not yet written
};

class FrameWriter final : public rocksdb::FSWritableFile {
 public:
  FrameWriter(const WriterDeps& deps, const std::string& name,
              std::unique_ptr<MirroredOutput> output)
      : deps_(deps),
        name_(classify_name(name)),
        identity_(SealedIdentity::create(deps.sealing, name_)),
        sealer_(identity_),
        output_(std::move(output)) {}
  ~FrameWriter() override = default;

  /// Header and the empty first frame. A log's are synced at once: it says up to where the tables reach, so
  /// the manifest may name it as the first live one only when it cannot get lost.
  Result<void> begin() EXCLUDES(mutex_) {
    const bool log = name_.kind == SealedKind::Log;
    {
      MutexLock lock(mutex_);
      std::string sealed = identity_.header();
      std::string needs;
      if (log) ByteWriter(needs).u64(deps_.ledger->next_log(name_.number));
      const FrameInfo info = log ? deps_.ledger->empty_log_frame() : deps_.ledger->manifest_frame();
      COFFER_TRY(sealer_.seal(info, needs, {}, sealed));
      COFFER_TRY(output_->append(sealed));
    }
    if (!log) return {};
    COFFER_TRY(output_->sync());
    deps_.ledger->file_synced(name_, 1);
    return {};
  }

  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*dbg*/) override {
    MutexLock lock(mutex_);
    pending_.append(data.data(), data.size());
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    MutexLock lock(mutex_);
    return is_whole() ? to_io_status(seal_pending()) : IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    if (name_.kind == SealedKind::Log && t_barriers_done == 0) {
      if (auto passed = pass_barrier(deps_.barrier); !passed) return to_io_status(passed);
    }
    std::uint64_t frames = 0;
    {
      MutexLock lock(mutex_);
      // RocksDB counts a record as written from Append on, so a sync between that and Flush has to seal it. What is not
      // whole yet belongs to a commit that goes on.
      if (is_whole()) {
        if (auto sealed = seal_pending(); !sealed) return to_io_status(sealed);
      }
      frames = sealer_.frames();
    }
    if (auto synced = output_->sync(); !synced) return to_io_status(synced);
    deps_.ledger->file_synced(name_, frames);
    return IOStatus::OK();
  }
  bool IsSyncThreadSafe() const override { return true; }
  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    MutexLock lock(mutex_);
    if (auto sealed = seal_pending(); !sealed) return to_io_status(sealed);
    return to_io_status(output_->flush());
  }
  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    MutexLock lock(mutex_);
    return sealer_.plain_bytes() + pending_.size();
  }

 private:
  /// RocksDB flushes a large record in pieces; one commit is one frame all the same.
  [[nodiscard]] bool is_whole() const REQUIRES(mutex_) {
    if (name_.kind == SealedKind::Manifest) return true;
    const auto announced = deps_.ledger->announced_bytes();
    return !announced || pending_.size() >= log_record_bytes(sealer_.plain_bytes(), *announced);
  }

  Result<void> seal_pending() REQUIRES(mutex_) {
    if (pending_.empty()) return {};
    FrameLedger::LogFrame frame;
    if (name_.kind == SealedKind::Log) {
      frame = deps_.ledger->take_log_frame();
    } else {
      frame.info = deps_.ledger->manifest_frame();
    }
    sealed_.clear();
    COFFER_TRY(sealer_.seal(frame.info, frame.needs, pending_, sealed_));
    pending_.clear();
    return output_->append(sealed_);
  }

  const WriterDeps deps_;
  const SealedName name_;
  const SealedIdentity identity_;
  Mutex mutex_;  // held across the append: the frames' order on disk is the order of their numbers
  FrameSealer sealer_ GUARDED_BY(mutex_);
  std::unique_ptr<MirroredOutput> output_;  // append under mutex_, sync without
  std::string pending_ GUARDED_BY(mutex_);
  std::string sealed_ GUARDED_BY(mutex_);
};

}  // namespace

BarrierDone::BarrierDone() { ++t_barriers_done; }
BarrierDone::~BarrierDone() { --t_barriers_done; }

MirroredOutput::MirroredOutput(const WriterDeps& deps, std::string name)
    : deps_(deps), name_(std::move(name)), log_(classify_name(name_).kind == SealedKind::Log) {
  for (std::size_t i = 0; i < deps.mirrors->size(); ++i) any_late_ = any_late_ || late(i);
}

MirroredOutput::~MirroredOutput() {
  if (deps_.outputs != nullptr) deps_.outputs->remove(*this);
}

Result<std::unique_ptr<MirroredOutput>> MirroredOutput::create(const WriterDeps& deps,
                                                               std::string name) {
  std::unique_ptr<MirroredOutput> output(new MirroredOutput(deps, std::move(name)));
  // Before the file is made: a mirror that begins to join after that finds it here.
  if (deps.outputs != nullptr) deps.outputs->add(*output);
  {
    MutexLock lock(output->files_mutex_);
    Files& files = output->files_;
    COFFER_TRY(deps.mirrors->write(MirrorSet::Order::OneByOne, [&](std::size_t i) -> Result<void> {
      auto file = deps.mirrors->files(i).create(deps.mirrors->path(i, output->name_),
                                                FileArea::Create::Truncate);
      if (!file) return fail(std::move(file).error());
      if (i >= files.size()) files.resize(i + 1);
      files[i] = std::move(*file);
      return {};
    }));
  }
  deps.catalog->set(output->name_, 0);
  return output;
}

MirroredOutput::Files MirroredOutput::files() const {
  MutexLock lock(files_mutex_);
  return files_;
}

Result<void> MirroredOutput::append(std::string_view sealed) {
  MutexLock lock(files_mutex_);
  const Files& files = files_;
  COFFER_TRY(deps_.mirrors->write(MirrorSet::Order::OneByOne, [&](std::size_t i) -> Result<void> {
    if (i >= files.size() || files[i] == nullptr) return {};  // it has yet to join
    return late(i) ? append_late(*files[i], sealed) : files[i]->append(as_bytes(sealed));
  }));
  bytes_ += sealed.size();
  deps_.catalog->grow(name_, sealed.size());
  write_zeros_ahead();
  return {};
}

// A log that is synced often gets zeros ahead of its end, a megabyte at a time. No mirror is given up for a failure:
// without zeros its syncs take longer, and what is really wrong with it the next append or sync will tell.
void MirroredOutput::write_zeros_ahead() {
  const std::uint64_t syncs = syncs_.load(std::memory_order_relaxed);
  const bool synced_often = syncs >= kSyncsBeforeZeros && bytes_ / syncs <= kBytesPerSyncMost;
  if (!log_ || !synced_often || zeros_until_ >= bytes_ + kBytesPerSyncMost) return;
  zeros_until_ = bytes_ + kZerosAhead;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (!files_[i] || !deps_.mirrors->good(i) || late(i)) continue;
    if (auto written = files_[i]->write_zeros_ahead(ByteCount(kZerosAhead)); !written)
      zeros_until_ = UINT64_MAX;  // not for this log any more
  }
}

Result<void> MirroredOutput::append_late(AreaFile& file, std::string_view sealed) {
  MutexLock lock(late_mutex_);
  late_.append(sealed);
  return late_.size() < kLateBytes ? Result<void>() : flush_late(file);
}

Result<void> MirroredOutput::flush_late(AreaFile& file) {
  if (late_.empty()) return {};
  COFFER_TRY(file.append(as_bytes(late_)));
  late_.clear();
  return {};
}

Result<void> MirroredOutput::flush() {
  if (!any_late_) return {};
  const Files files = this->files();
  return deps_.mirrors->write(MirrorSet::Order::OneByOne, [&](std::size_t i) -> Result<void> {
    if (!late(i) || i >= files.size() || files[i] == nullptr) return {};
    MutexLock lock(late_mutex_);
    return flush_late(*files[i]);
  });
}

Result<void> MirroredOutput::sync() {
  const bool with_entry = !entry_synced_.load(std::memory_order_acquire);
  const Files files = this->files();
  // Writing what was held back takes less time than waking a thread for it.
  const auto order = any_late_ ? MirrorSet::Order::OneByOne : MirrorSet::Order::Parallel;
  COFFER_TRY(deps_.mirrors->write(order, [&](std::size_t i) -> Result<void> {
    if (i >= files.size() || files[i] == nullptr) return {};
    if (late(i)) {
      MutexLock lock(late_mutex_);
      return flush_late(*files[i]);
    }
    COFFER_TRY(files[i]->sync());
    return with_entry ? deps_.mirrors->files(i).sync_directory(deps_.mirrors->directory(i))
                      : Result<void>();
  }));
  entry_synced_.store(true, std::memory_order_release);
  syncs_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

Result<void> MirroredOutput::copy_so_far(std::size_t mirror, AreaFile& to) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  for (std::size_t from = 0; from < files_.size(); ++from) {
    if (from == mirror || files_[from] == nullptr || !deps_.mirrors->good(from) || late(from))
      continue;
    COFFER_ASSIGN(const auto source,
                  deps_.mirrors->files(from).open(deps_.mirrors->path(from, name_)));
    std::string bytes(kAtOnce, '\0');
    for (std::uint64_t at = 0; at < bytes_;) {
      const std::size_t wanted = std::min<std::uint64_t>(kAtOnce, bytes_ - at);
      COFFER_ASSIGN(
          const std::size_t got,
          source->read(ByteOffset(at), {reinterpret_cast<std::byte*>(bytes.data()), wanted}));
      if (got == 0) return fail(Errc::Corrupt, "a metadata file is shorter than it was written");
      COFFER_TRY(to.append(as_bytes(std::string_view(bytes).substr(0, got))));
      at += got;
    }
    return to.sync();
  }
  return fail(Errc::Io, "no metadata mirror to copy from");
}

Result<void> MirroredOutput::join(std::size_t mirror) {
  MutexLock lock(files_mutex_);
  if (mirror < files_.size() && files_[mirror] != nullptr)
    return {};  // made there from the first byte
  COFFER_ASSIGN(std::shared_ptr<AreaFile> file,
                deps_.mirrors->files(mirror).create(deps_.mirrors->path(mirror, name_),
                                                    FileArea::Create::Truncate));
  COFFER_TRY(copy_so_far(mirror, *file));
  if (mirror >= files_.size()) files_.resize(mirror + 1);
  files_[mirror] = std::move(file);
  return {};
}

void MirroredOutput::leave(std::size_t mirror) {
  MutexLock lock(files_mutex_);
  if (mirror < files_.size()) files_[mirror] = nullptr;
}

std::uint64_t MirroredOutput::bytes() const {
  MutexLock lock(files_mutex_);
  return bytes_;
}

Result<std::set<std::string>> OpenOutputs::join(std::size_t mirror) {
  MutexLock lock(mutex_);
  std::set<std::string> names;
  for (MirroredOutput* output : open_) {
    COFFER_TRY(output->join(mirror));
    names.insert(output->name());
  }
  return names;
}

Result<std::unique_ptr<rocksdb::FSWritableFile>> new_block_writer(const WriterDeps& deps,
                                                                  const std::string& name) {
  COFFER_ASSIGN(auto output, MirroredOutput::create(deps, name));
  return std::make_unique<BlockWriter>(deps, name, std::move(output));
}

Result<std::unique_ptr<rocksdb::FSWritableFile>> new_frame_writer(const WriterDeps& deps,
                                                                  const std::string& name) {
  COFFER_ASSIGN(auto output, MirroredOutput::create(deps, name));
  auto writer = std::make_unique<FrameWriter>(deps, name, std::move(output));
  COFFER_TRY(writer->begin());
  return writer;
}

std::uint64_t log_record_bytes(std::uint64_t file_offset, std::uint64_t payload) {
  constexpr std::uint64_t kBlock = 32768;
  constexpr std::uint64_t kHeader = 7;
  std::uint64_t bytes = 0;
  std::uint64_t at = file_offset % kBlock;
  bool begun = false;
  while (!begun || payload > 0) {
    if (kBlock - at < kHeader) {  // the block's end is filled with zeros
      bytes += kBlock - at;
      at = 0;
    }
    const std::uint64_t piece = std::min(payload, kBlock - at - kHeader);
    bytes += kHeader + piece;
    at = (at + kHeader + piece) % kBlock;
    payload -= piece;
    begun = true;
  }
  return bytes;
}

}  // namespace coffer::meta
