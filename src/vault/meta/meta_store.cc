#include "vault/meta/meta_store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

#include "vault/meta/commit_queue.h"
#include "vault/meta/meta_cursor.h"
#include "vault/meta/mirrored_file_system.h"
#include "vault/meta/rocksdb_options.h"
#include "vault/meta/rocksdb_status.h"
#include "vault/volume/volume.h"

namespace coffer {
namespace {

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Members are destroyed in reverse: the database goes before what it stands on.
struct MetaStore::Impl {
  Impl(Mode mode, const MetaStoreDeps& deps, const std::vector<MirrorDirectory>& where)
      : mode(mode), deps(deps), mirrors(where, deps.owner) {}

  const Mode mode;
  const MetaStoreDeps deps;
  meta::MirrorSet mirrors;
  std::shared_ptr<meta::MirroredFileSystem> files;
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<meta::FlushBacklog> backlog = std::make_shared<meta::FlushBacklog>();
  std::unique_ptr<rocksdb::DB> database;
  std::unique_ptr<meta::CommitQueue> queue;

  Result<void> open(const MetaStoreOptions& options);
  Result<void> make_directories();
  Result<CommitPosition> stored_position() const;
};

Result<void> MetaStore::Impl::make_directories() {
  return mirrors.write(meta::MirrorSet::Order::Parallel, [this](std::size_t i) -> Result<void> {
    COFFER_TRY(mirrors.files(i).make_directory(mirrors.directory(i)));
    return mirrors.files(i).sync_directory("");
  });
}

Result<CommitPosition> MetaStore::Impl::stored_position() const {
  std::string value;
  const auto status = database->Get(rocksdb::ReadOptions(), slice(meta::kPositionKey), &value);
  if (status.IsNotFound()) return CommitPosition(0);
  if (!status.ok()) return fail(meta::to_error(status, "read the commit position"));
  ByteReader in(value);
  const CommitPosition position(in.u64());
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "commit position");
  return position;
}

Result<void> MetaStore::Impl::open(const MetaStoreOptions& options) {
  using meta::MirroredFileSystem;
  if (mirrors.size() == 0) return fail(Errc::NotEnoughVolumes, "no metadata mirror");
  if (mode == Mode::Create) COFFER_TRY(make_directories());
  const meta::WriterDeps writers{
      .sealing = {.keys = deps.keys, .cipher = deps.cipher, .vault = deps.vault, .boot = deps.boot},
      .mirrors = &mirrors,
      .barrier = deps.barrier};
  const bool read_only = mode == Mode::ReadOnly;
  files = std::make_shared<MirroredFileSystem>(
      writers,
      read_only ? MirroredFileSystem::Access::ReadOnly : MirroredFileSystem::Access::ReadWrite,
      read_only ? MirroredFileSystem::Logs::Tolerant : MirroredFileSystem::Logs::Complete);
  COFFER_TRY(files->load_catalog());
  env = rocksdb::NewCompositeEnv(files);

  rocksdb::Options settings = meta::database_options(env.get(), options);
  settings.listeners.push_back(backlog);
  settings.create_if_missing = settings.error_if_exists = mode == Mode::Create;
  rocksdb::DB* opened = nullptr;
  const auto status = read_only
                          ? rocksdb::DB::OpenForReadOnly(settings, meta::kDatabasePath, &opened)
                          : rocksdb::DB::Open(settings, meta::kDatabasePath, &opened);
  database.reset(opened);
  if (!status.ok()) {
    Error error = meta::to_error(status, "open the metadata database");
    // What RocksDB calls a CURRENT file that is missing or cannot be read.
    const bool damaged =
        status.IsInvalidArgument() || status.IsNotFound() || status.IsNotSupported();
    if (damaged && mode != Mode::Create) error.code = Errc::Corrupt;
    return fail(std::move(error));
  }
  COFFER_ASSIGN(const CommitPosition position, stored_position());
  // The frames and the rows must tell the same; a read-only look at what is damaged takes what there is.
  if (!read_only && position.value() != files->ledger().position()) {
    return fail(Errc::Corrupt, "metadata rows do not reach the position of their logs");
  }
  queue = std::make_unique<meta::CommitQueue>(*database, files->ledger(), *backlog, deps.barrier,
                                              position);
  return {};
}

MetaStore::MetaStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// Without close() the disks are left as a killed process leaves them: recovery is the one way back in.
MetaStore::~MetaStore() {
  // A background job that hits the halted mirrors would wait a second before it gives up.
  if (impl_->database) rocksdb::CancelAllBackgroundWork(impl_->database.get(), true);
  impl_->mirrors.halt();
}

Result<std::unique_ptr<MetaStore>> MetaStore::open(Mode mode, MetaStoreDeps deps,
                                                   std::vector<MirrorDirectory> mirrors,
                                                   MetaStoreOptions options) {
  std::unique_ptr<MetaStore> store(new MetaStore(std::make_unique<Impl>(mode, deps, mirrors)));
  COFFER_TRY(store->impl_->open(options));
  return store;
}

Result<CommitPosition> MetaStore::commit(MetaBatch batch) {
  if (impl_->mode == Mode::ReadOnly) return fail(Errc::ReadOnly, "the metadata is open read-only");
  return impl_->queue->commit(batch.impl_->rows, batch.impl_->needs);
}

Result<void> MetaStore::sync() {
  if (impl_->mode == Mode::ReadOnly) return {};
  return impl_->queue->sync();
}

CommitPosition MetaStore::committed() const { return impl_->queue->committed(); }
bool MetaStore::failed() const { return impl_->queue && impl_->queue->failed(); }
CommitPosition MetaStore::synced() const { return impl_->queue->synced(); }

Result<std::optional<std::string>> MetaStore::get(std::string_view key) const {
  std::string value;
  const auto status = impl_->database->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return fail(meta::to_error(status, "read a metadata row"));
  return std::optional<std::string>(std::move(value));
}

Result<std::vector<std::optional<std::string>>> MetaStore::get_many(
    std::span<const std::string> keys) const {
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  impl_->database->MultiGet(rocksdb::ReadOptions(), impl_->database->DefaultColumnFamily(),
                            slices.size(), slices.data(), values.data(), statuses.data());
  std::vector<std::optional<std::string>> found(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return fail(meta::to_error(statuses[i], "read metadata rows"));
    found[i] = values[i].ToString();
  }
  return found;
}

std::unique_ptr<MetaCursor> MetaStore::cursor(std::string lower, std::string upper) const {
  return meta::new_cursor(*impl_->database, std::move(lower), std::move(upper));
}

Result<void> MetaStore::leave_out(std::uint8_t member_index,
                                  const std::function<Result<void>()>& raise) {
  return impl_->mirrors.leave_out(member_index, raise);
}

MetadataCheck MetaStore::verify(MetadataRepair repair) {
  impl_->database->DisableFileDeletions();
  MetadataCheck check = impl_->files->verify(repair);
  impl_->database->EnableFileDeletions(/*force=*/false);
  return check;
}

Result<void> MetaStore::add_mirror(const MirrorDirectory& where,
                                   const std::function<Result<void>(const StillGood&)>& raise) {
  if (impl_->mode == Mode::ReadOnly) return fail(Errc::ReadOnly, "the metadata is open read-only");
  COFFER_TRY(where.files->make_directory(meta::meta_directory_path(where.directory)));
  impl_->database->DisableFileDeletions();
  const auto join = [&]() -> Result<void> {
    COFFER_ASSIGN(const std::size_t mirror, impl_->mirrors.add(where));
    const auto make = [&]() -> Result<void> {
      COFFER_TRY(impl_->files->fill(mirror));
      COFFER_TRY(impl_->mirrors.promote(mirror));
      COFFER_TRY(sync());
      return raise([&] { return impl_->mirrors.good(mirror); });
    };
    auto made = make();
    if (!made) impl_->mirrors.withdraw(mirror, [&] { impl_->files->let_go(mirror); });
    return made;
  };
  Result<void> joined = join();
  impl_->database->EnableFileDeletions(/*force=*/false);
  return joined;
}

void MetaStore::freeze() {
  if (impl_->queue) impl_->queue->fail_all();
}

Result<void> MetaStore::close() {
  if (!impl_->database) return {};
  if (impl_->mode != Mode::ReadOnly) {
    COFFER_TRY(impl_->queue->sync());
    auto status = impl_->database->Flush(rocksdb::FlushOptions());
    // The log that the flush began is empty; synced, it needs no recovery either.
    if (status.ok()) status = impl_->database->SyncWAL();
    impl_->queue->fail_all();
    if (!status.ok()) return fail(meta::to_error(status, "flush the metadata"));
  }
  const auto status = impl_->database->Close();
  impl_->database.reset();
  if (!status.ok()) return fail(meta::to_error(status, "close the metadata database"));
  if (impl_->mode != Mode::ReadOnly) impl_->files->settle();
  return {};
}

std::uint64_t MetaStore::bytes_on_disk() const { return impl_->files->bytes_on_disk(); }

std::vector<std::uint8_t> MetaStore::damaged_members() const {
  return impl_->mirrors.damaged_members();
}

}  // namespace coffer
