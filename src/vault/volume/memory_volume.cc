#include "vault/volume/memory_volume.h"

#include <algorithm>
#include <utility>

#include "vault/volume/local_shard_store.h"

namespace coffer {
namespace {

using Access = MemoryDisk::Access;
using NodeId = MemoryTree::NodeId;

std::string shard_directory(std::string_view name) {
  return "segments/" + std::string(name.substr(0, 2));
}
std::string shard_path(std::string_view name) {
  return shard_directory(name) + "/" + std::string(name) + ".shard";
}
tl::unexpected<Error> bad_name() { return fail(Errc::InvalidArgument, "not a shard name"); }

/// An open file of a session. Shared with the operations that wait on a hung disk.
struct Handle {
  Handle(std::shared_ptr<MemoryDisk> its_disk, std::shared_ptr<MemoryDisk::Session> its_session,
         std::string its_path, NodeId its_node)
      : disk(std::move(its_disk)),
        session(std::move(its_session)),
        path(std::move(its_path)),
        node(its_node) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { disk->release_handle(*session, node); }

  const std::shared_ptr<MemoryDisk> disk;
  const std::shared_ptr<MemoryDisk::Session> session;
  const std::string path;
  const NodeId node;
  // Below: under the disk's lock.
  RangeSet written;
  bool torn = false;  // an append failed
  bool name_durable = false;
};

/// Writes `bytes`, or a part of them where a fault or the end of the disk says so.
Result<void> write_some(const Access& access, NodeId node, std::uint64_t at, Bytes bytes) {
  const MemoryFile& file = access.tree.file(node);
  const std::uint64_t growth = file.allocated_with(at + bytes.size()) - file.allocated();
  if (access.fault) {
    const std::uint64_t part = std::min<std::uint64_t>(
        access.random() % (bytes.size() + 1), growth > access.free_bytes ? 0 : bytes.size());
    access.tree.write(node, at, bytes.first(part));
    return fail(*access.fault, "injected fault");
  }
  if (growth > access.free_bytes) {
    const std::uint64_t room = file.allocated() + access.free_bytes;
    const std::uint64_t part = room > at ? std::min<std::uint64_t>(bytes.size(), room - at) : 0;
    access.tree.write(node, at,
                      bytes.first(part / MemoryFile::kBlockBytes * MemoryFile::kBlockBytes));
    return fail(Errc::NoSpace, "the disk is full");
  }
  access.tree.write(node, at, bytes);
  return {};
}

Result<void> sync_file(const Access& access, NodeId node) {
  if (access.session.poisoned.contains(node)) {
    return fail(Errc::Io, "an earlier sync of this file failed");
  }
  if (access.fault) {
    access.tree.fail_sync(node);
    access.session.poisoned.insert(node);
    return fail(Errc::Io, "injected fault");
  }
  access.tree.sync(node);
  return {};
}

class MemoryShardFile final : public ShardFile {
 public:
  enum class Mode { Write, ReadOnly };
  MemoryShardFile(std::shared_ptr<Handle> handle, Mode mode)
      : handle_(std::move(handle)), mode_(mode) {}

  void write(ByteOffset at, std::vector<IoSlice> pieces, Completion<void> done) override {
    if (mode_ == Mode::ReadOnly) return done(fail(Errc::ReadOnly, "shard was opened to read"));
    const auto effect = [handle = handle_, at, pieces = std::move(pieces)](Access access) {
      return write_now(*handle, access, at.value(), pieces);
    };
    handle_->disk->submit<void>(handle_->session, IoKind::ShardWrite, handle_->path, effect,
                                std::move(done));
  }

  void read(ByteOffset at, IoSlice into, Completion<ByteCount> done) override {
    const auto effect = [handle = handle_, at, into](Access access) -> Result<ByteCount> {
      return ByteCount(access.tree.file(handle->node).read(at.value(), into.bytes));
    };
    handle_->disk->submit<ByteCount>(handle_->session, IoKind::ShardRead, handle_->path, effect,
                                     std::move(done));
  }

  void sync(Completion<void> done) override {
    const auto effect = [handle = handle_](Access access) -> Result<void> {
      COFFER_TRY(sync_file(access, handle->node));
      if (!std::exchange(handle->name_durable, true)) access.tree.sync_name(handle->path);
      return {};
    };
    handle_->disk->submit<void>(handle_->session, IoKind::ShardSync, handle_->path, effect,
                                std::move(done));
  }

  // The disk may write back what it likes at any time as it is.
  void start_writeback(ByteOffset, ByteCount) override {}
  void start_readahead(ByteOffset, ByteCount) override {}

  Result<ByteCount> size() override {
    return handle_->disk->call<ByteCount>(
        handle_->session, IoKind::Size, handle_->path, [this](Access access) -> Result<ByteCount> {
          return ByteCount(access.tree.file(handle_->node).size());
        });
  }

 private:
  static Result<void> write_now(Handle& handle, const Access& access, std::uint64_t at,
                                const std::vector<IoSlice>& pieces) {
    if (access.session.poisoned.contains(handle.node)) {
      return fail(Errc::Io, "an earlier sync of this shard failed");
    }
    std::string bytes;
    for (const IoSlice& piece : pieces) bytes += as_text(piece.bytes);
    const std::uint64_t end = at + bytes.size();
    if (handle.written.overlaps(at, end)) {
      return fail(Errc::InvalidArgument, "a range of a shard is written a second time");
    }
    handle.written.add(at, end);
    return write_some(access, handle.node, at, as_bytes(bytes));
  }

  const std::shared_ptr<Handle> handle_;
  const Mode mode_;
};

class MemoryAreaFile final : public AreaFile {
 public:
  enum class Mode { Append, ReadOnly };
  MemoryAreaFile(std::shared_ptr<Handle> handle, Mode mode)
      : handle_(std::move(handle)), mode_(mode) {}

  Result<void> append(Bytes data) override {
    if (mode_ == Mode::ReadOnly) return fail(Errc::ReadOnly, "file was opened to read");
    return call<void>(IoKind::AreaAppend, [this, data](Access access) -> Result<void> {
      if (handle_->torn || access.session.poisoned.contains(handle_->node)) {
        return fail(Errc::Io, "an earlier write or sync of this file failed");
      }
      const Result<void> written = write_some(access, handle_->node, end_, data);
      if (written)
        end_ += data.size();
      else
        handle_->torn = true;
      return written;
    });
  }

  Result<void> write_zeros_ahead(ByteCount bytes) override {
    if (mode_ == Mode::ReadOnly) return fail(Errc::ReadOnly, "file was opened to read");
    return call<void>(IoKind::AreaAppend, [this, bytes](Access access) -> Result<void> {
      const std::uint64_t from = std::max(end_, access.tree.file(handle_->node).size());
      const std::uint64_t until = end_ + bytes.value();
      if (until <= from) return {};
      const std::string zeros(until - from, '\0');
      return write_some(access, handle_->node, from, as_bytes(zeros));
    });
  }

  Result<std::size_t> read(ByteOffset at, MutableBytes into) override {
    return call<std::size_t>(IoKind::AreaRead,
                             [this, at, into](Access access) -> Result<std::size_t> {
                               return access.tree.file(handle_->node).read(at.value(), into);
                             });
  }

  Result<void> sync() override {
    return call<void>(IoKind::AreaSync, [this](Access access) -> Result<void> {
      if (handle_->torn) return fail(Errc::Io, "an earlier write or sync of this file failed");
      return sync_file(access, handle_->node);
    });
  }

  Result<ByteCount> size() override {
    return call<ByteCount>(IoKind::Size, [this](Access access) -> Result<ByteCount> {
      return ByteCount(access.tree.file(handle_->node).size());
    });
  }

 private:
  template <typename T>
  Result<T> call(IoKind kind, const MemoryDisk::Effect<T>& effect) {
    return handle_->disk->call<T>(handle_->session, kind, handle_->path, effect);
  }

  const std::shared_ptr<Handle> handle_;
  const Mode mode_;
  std::uint64_t end_ = 0;
};

/// The disk and the session that both faces of a volume work with.
struct Connection {
  std::shared_ptr<MemoryDisk> disk;
  std::shared_ptr<MemoryDisk::Session> session;

  /// Under the disk's lock.
  [[nodiscard]] std::shared_ptr<Handle> handle(const Access& access, const std::string& path,
                                               NodeId node) const {
    access.tree.retain(node);
    return std::make_shared<Handle>(disk, session, path, node);
  }
};

class MemoryShardStore final : public ShardStore {
 public:
  explicit MemoryShardStore(Connection connection) : connection_(std::move(connection)) {}

  void create(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) override {
    if (!is_shard_name(name)) return done(bad_name());
    const auto effect =
        [connection = connection_, directory = shard_directory(name),
         path = shard_path(name)](Access access) -> Result<std::shared_ptr<ShardFile>> {
      COFFER_TRY(access.tree.make_directory(directory));
      COFFER_ASSIGN(const NodeId node, access.tree.create(path, FileArea::Create::Exclusive));
      return std::make_shared<MemoryShardFile>(connection.handle(access, path, node),
                                               MemoryShardFile::Mode::Write);
    };
    connection_.disk->submit<std::shared_ptr<ShardFile>>(connection_.session, IoKind::ShardCreate,
                                                         shard_path(name), effect, std::move(done));
  }

  void open(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) override {
    if (!is_shard_name(name)) return done(bad_name());
    const auto effect = [connection = connection_, path = shard_path(name)](
                            Access access) -> Result<std::shared_ptr<ShardFile>> {
      COFFER_ASSIGN(const NodeId node, access.tree.find_file(path));
      return std::make_shared<MemoryShardFile>(connection.handle(access, path, node),
                                               MemoryShardFile::Mode::ReadOnly);
    };
    connection_.disk->submit<std::shared_ptr<ShardFile>>(connection_.session, IoKind::ShardOpen,
                                                         shard_path(name), effect, std::move(done));
  }

  void remove(std::string_view name, Completion<void> done) override {
    if (!is_shard_name(name)) return done(bad_name());
    const auto effect = [path = shard_path(name)](Access access) {
      return access.tree.remove(path);
    };
    connection_.disk->submit<void>(connection_.session, IoKind::ShardRemove, shard_path(name),
                                   effect, std::move(done));
  }

  void replace(std::string_view from, std::string_view to, Completion<void> done) override {
    if (!is_shard_name(from) || !is_shard_name(to)) return done(bad_name());
    if (from.substr(0, 2) != to.substr(0, 2))
      return done(fail(Errc::InvalidArgument, "shards of two directories"));
    const auto effect = [old_path = shard_path(from),
                         path = shard_path(to)](Access access) -> Result<void> {
      COFFER_ASSIGN(const NodeId node, access.tree.find_file(old_path));
      if (access.session.poisoned.contains(node))
        return fail(Errc::Io, "an earlier sync of this shard failed");
      COFFER_TRY(access.tree.rename(old_path, path));
      access.tree.sync_name(path);
      return {};
    };
    connection_.disk->submit<void>(connection_.session, IoKind::ShardReplace, shard_path(to),
                                   effect, std::move(done));
  }

  void list(Completion<std::vector<std::string>> done) override {
    const auto effect = [](Access access) -> Result<std::vector<std::string>> {
      return list_now(access.tree);
    };
    connection_.disk->submit<std::vector<std::string>>(connection_.session, IoKind::ShardList,
                                                       "segments", effect, std::move(done));
  }

 private:
  static std::vector<std::string> list_now(const MemoryTree& tree) {
    constexpr std::string_view kSuffix = ".shard";
    std::vector<std::string> shards;
    for (const std::string& path : tree.paths()) {
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos || !path.ends_with(kSuffix)) continue;
      const std::string name = path.substr(slash + 1, path.size() - slash - 1 - kSuffix.size());
      if (is_shard_name(name) && path == shard_path(name)) shards.push_back(name);
    }
    return shards;
  }

  const Connection connection_;
};

class MemoryFileArea final : public FileArea {
 public:
  explicit MemoryFileArea(Connection connection) : connection_(std::move(connection)) {}

  Result<std::unique_ptr<AreaFile>> create(std::string_view path, Create mode) override {
    return call<std::unique_ptr<AreaFile>>(IoKind::AreaCreate, path, [&](Access access) {
      return opened(access, path, access.tree.create(path, mode), MemoryAreaFile::Mode::Append);
    });
  }
  Result<std::unique_ptr<AreaFile>> open(std::string_view path) override {
    return call<std::unique_ptr<AreaFile>>(IoKind::AreaOpen, path, [&](Access access) {
      return opened(access, path, access.tree.find_file(path), MemoryAreaFile::Mode::ReadOnly);
    });
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    return call<void>(IoKind::AreaRename, to,
                      [&](Access access) { return access.tree.rename(from, to); });
  }
  Result<void> link(std::string_view from, std::string_view to) override {
    return call<void>(IoKind::AreaLink, to,
                      [&](Access access) { return access.tree.link(from, to); });
  }
  Result<void> remove(std::string_view path) override {
    return call<void>(IoKind::AreaRemove, path,
                      [&](Access access) { return access.tree.remove(path); });
  }
  Result<void> make_directory(std::string_view path) override {
    return call<void>(IoKind::AreaMakeDirectory, path,
                      [&](Access access) { return access.tree.make_directory(path); });
  }
  Result<void> remove_directory(std::string_view path) override {
    return call<void>(IoKind::AreaRemoveDirectory, path,
                      [&](Access access) { return access.tree.remove_directory(path); });
  }
  Result<std::vector<AreaEntry>> list(std::string_view path) override {
    return call<std::vector<AreaEntry>>(IoKind::AreaList, path,
                                        [&](Access access) { return access.tree.list(path); });
  }
  Result<void> sync_directory(std::string_view path) override {
    return call<void>(IoKind::AreaSyncDirectory, path,
                      [&](Access access) { return access.tree.sync_directory(path); });
  }
  Result<void> reserve(std::string_view path, ByteCount bytes) override {
    return call<void>(IoKind::AreaReserve, path, [&](Access access) -> Result<void> {
      auto node = access.tree.find_file(path);
      const std::uint64_t have = node ? access.tree.file(*node).allocated() : 0;
      if (bytes.value() > have && bytes.value() - have > access.free_bytes) {
        return fail(Errc::NoSpace, "the disk is full");
      }
      if (!node && node.error().code == Errc::NotFound) {
        node = access.tree.create(path, Create::Exclusive);
      }
      if (!node) return fail(std::move(node).error());
      access.tree.reserve(*node, bytes.value());
      return {};
    });
  }

 private:
  template <typename T>
  Result<T> call(IoKind kind, std::string_view path, const MemoryDisk::Effect<T>& effect) {
    return connection_.disk->call<T>(connection_.session, kind, path, effect);
  }

  Result<std::unique_ptr<AreaFile>> opened(const Access& access, std::string_view path,
                                           Result<NodeId> node, MemoryAreaFile::Mode mode) {
    if (!node) return fail(std::move(node).error());
    return std::make_unique<MemoryAreaFile>(connection_.handle(access, std::string(path), *node),
                                            mode);
  }

  const Connection connection_;
};

class MemoryVolume final : public Volume {
 public:
  explicit MemoryVolume(const Connection& connection)
      : connection_(connection), shards_(connection), files_(connection) {}
  ~MemoryVolume() override { connection_.disk->unlock(*connection_.session); }

  ShardStore& shards() override { return shards_; }
  FileArea& files() override { return files_; }
  Result<VolumeSpace> space() override {
    return connection_.disk->call<VolumeSpace>(
        connection_.session, IoKind::Space, "", [](Access access) -> Result<VolumeSpace> {
          return VolumeSpace{ByteCount(access.capacity), ByteCount(access.free_bytes)};
        });
  }
  Result<void> lock() override { return connection_.disk->lock(connection_.session); }
  [[nodiscard]] std::string path() const override { return "memory:" + connection_.disk->name(); }
  [[nodiscard]] std::uint64_t device() const override { return connection_.disk->device(); }

 private:
  const Connection connection_;
  MemoryShardStore shards_;
  MemoryFileArea files_;
};

}  // namespace

Result<std::unique_ptr<Volume>> open_memory_volume(const std::shared_ptr<MemoryDisk>& disk) {
  auto volume = std::make_unique<MemoryVolume>(Connection{disk, disk->open_session()});
  // A disk that is gone cannot be opened, as a missing directory cannot.
  COFFER_TRY(volume->space());
  return volume;
}

}  // namespace coffer
