#include "vault/volume/local_shard_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "vault/volume/posix_io.h"

namespace coffer {
namespace {

constexpr std::string_view kSegments = "segments";
constexpr std::string_view kSuffix = ".shard";

std::string directory_of(std::string_view name) {
  return std::string(kSegments) + '/' + std::string(name.substr(0, 2));
}
std::string path_of(std::string_view name) {
  return directory_of(name) + '/' + std::string(name) + std::string(kSuffix);
}
bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
Result<void> check_name(std::string_view name) {
  if (is_shard_name(name)) return {};
  return fail(Errc::InvalidArgument, "not a shard name");
}

/// The names in directory `path`; none if it is not there.
Result<std::vector<std::string>> names_in(int root, std::string_view path) {
  std::vector<std::string> names;
  auto fd = posix::open_directory_at(root, path);
  if (!fd) {
    if (fd.error().code == Errc::NotFound) return names;
    return fail(std::move(fd).error());
  }
  DIR* directory = ::fdopendir(fd->get());
  if (directory == nullptr) return fail(errno_error(errno, path));
  fd->release();  // closedir closes it
  errno = 0;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  const int error = errno;
  ::closedir(directory);
  if (error != 0) return fail(errno_error(error, path));
  return names;
}

}  // namespace

bool is_shard_name(std::string_view name) {
  return name.size() >= 2 && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), is_hex_digit);
}

class LocalShardStore::Shared {
 public:
  explicit Shared(int root) : root_(::fcntl(root, F_DUPFD_CLOEXEC, 0)) {}

  [[nodiscard]] int root() const { return root_.get(); }

  void poison(const std::string& name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    poisoned_.insert(name);
  }
  void forget(const std::string& name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    poisoned_.erase(name);
  }
  bool is_poisoned(const std::string& name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return poisoned_.contains(name);
  }

  /// Whoever removed the old one: this one's name is not durable yet.
  void directory_made(std::string_view name) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    directory_durable_[index_of(name)] = false;
  }
  /// Makes the shard's name durable, and the directories above it unless that was done before.
  Result<void> sync_entry(std::string_view name) EXCLUDES(mutex_) {
    COFFER_TRY(posix::sync_directory_at(root(), directory_of(name)));
    const std::size_t index = index_of(name);
    {
      MutexLock lock(mutex_);
      if (directory_durable_[index]) return {};
    }
    COFFER_TRY(posix::sync_directory_at(root(), kSegments));
    COFFER_TRY(posix::sync_directory_at(root(), ""));
    MutexLock lock(mutex_);
    directory_durable_[index] = true;
    return {};
  }

 private:
  static std::size_t index_of(std::string_view name) {
    const auto digit = [](char c) {
      return static_cast<std::size_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    return digit(name[0]) * 16 + digit(name[1]);
  }

  const posix::UniqueFd root_;
  Mutex mutex_;
  std::set<std::string> poisoned_ GUARDED_BY(mutex_);
  std::array<bool, 256> directory_durable_ GUARDED_BY(mutex_){};
};

namespace {

class LocalShardFile final : public ShardFile {
 public:
  enum class Access { Write, ReadOnly };
  LocalShardFile(std::shared_ptr<LocalShardStore::Shared> shared, std::string name,
                 posix::UniqueFd fd, Access access)
      : shared_(std::move(shared)), name_(std::move(name)), fd_(std::move(fd)), access_(access) {}

  void write(ByteOffset at, std::vector<IoSlice> pieces, Completion<void> done) override {
    if (access_ == Access::ReadOnly) return done(fail(Errc::ReadOnly, "shard was opened to read"));
    if (shared_->is_poisoned(name_)) return done(poisoned());
    done(posix::write_all(fd_.get(), at, pieces, "write shard"));
  }

  void read(ByteOffset at, IoSlice into, Completion<ByteCount> done) override {
    done(posix::read_full(fd_.get(), at, into.bytes, "read shard").map([](std::size_t n) {
      return ByteCount(n);
    }));
  }

  void sync(Completion<void> done) override { done(sync_now()); }

  void start_writeback(ByteOffset at, ByteCount length) override {
    ::sync_file_range(fd_.get(), static_cast<off_t>(at.value()), static_cast<off_t>(length.value()),
                      SYNC_FILE_RANGE_WRITE);
  }

  void start_readahead(ByteOffset at, ByteCount length) override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(at.value()), static_cast<off_t>(length.value()),
                    POSIX_FADV_WILLNEED);
  }

  void forget_cached() override { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

  Result<ByteCount> size() override { return posix::file_size(fd_.get(), "size of shard"); }

 private:
  static tl::unexpected<Error> poisoned() {
    return fail(Errc::Io, "an earlier sync of this shard failed");
  }

  Result<void> sync_now() {
    if (shared_->is_poisoned(name_)) return poisoned();
    Result<void> synced = posix::sync_data(fd_.get(), "sync shard");
    if (synced && !entry_durable_.load(std::memory_order_acquire)) {
      synced = shared_->sync_entry(name_);
      if (synced) entry_durable_.store(true, std::memory_order_release);
    }
    // A failed directory sync poisons too: whether the name survives is unknown in the same way.
    if (!synced) {
      shared_->poison(name_);
      return fail(Errc::Io, std::move(synced).error().context);
    }
    return {};
  }

  const std::shared_ptr<LocalShardStore::Shared> shared_;
  const std::string name_;
  const posix::UniqueFd fd_;
  const Access access_;
  std::atomic<bool> entry_durable_{false};
};

}  // namespace

LocalShardStore::LocalShardStore(int root) : shared_(std::make_shared<Shared>(root)) {}
LocalShardStore::~LocalShardStore() = default;

void LocalShardStore::create(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) {
  done(create_now(name));
}
void LocalShardStore::open(std::string_view name, Completion<std::shared_ptr<ShardFile>> done) {
  done(open_now(name));
}
void LocalShardStore::remove(std::string_view name, Completion<void> done) {
  done(remove_now(name));
}
void LocalShardStore::replace(std::string_view from, std::string_view to, Completion<void> done) {
  done(replace_now(from, to));
}
void LocalShardStore::list(Completion<std::vector<std::string>> done) { done(list_now()); }

Result<std::shared_ptr<ShardFile>> LocalShardStore::create_now(std::string_view name) {
  COFFER_TRY(check_name(name));
  const std::string path = path_of(name);
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL;
  auto fd = posix::open_at(shared_->root(), path, kFlags);
  if (!fd && fd.error().code == Errc::NotFound) {
    COFFER_TRY(posix::make_directory_at(shared_->root(), kSegments));
    COFFER_TRY(posix::make_directory_at(shared_->root(), directory_of(name)));
    shared_->directory_made(name);
    fd = posix::open_at(shared_->root(), path, kFlags);
  }
  if (!fd) return fail(std::move(fd).error());
  return std::make_shared<LocalShardFile>(shared_, std::string(name), std::move(*fd),
                                          LocalShardFile::Access::Write);
}

Result<std::shared_ptr<ShardFile>> LocalShardStore::open_now(std::string_view name) {
  COFFER_TRY(check_name(name));
  COFFER_ASSIGN(auto fd, posix::open_at(shared_->root(), path_of(name), O_RDONLY));
  return std::make_shared<LocalShardFile>(shared_, std::string(name), std::move(fd),
                                          LocalShardFile::Access::ReadOnly);
}

Result<void> LocalShardStore::remove_now(std::string_view name) {
  COFFER_TRY(check_name(name));
  if (::unlinkat(shared_->root(), path_of(name).c_str(), 0) != 0) {
    return fail(errno_error(errno, "remove shard"));
  }
  shared_->forget(std::string(name));
  return {};
}

Result<void> LocalShardStore::replace_now(std::string_view from, std::string_view to) {
  COFFER_TRY(check_name(from));
  COFFER_TRY(check_name(to));
  if (from.substr(0, 2) != to.substr(0, 2))
    return fail(Errc::InvalidArgument, "shards of two directories");
  // Never under its new name a file whose bytes are unknown.
  if (shared_->is_poisoned(std::string(from)))
    return fail(Errc::Io, "an earlier sync of this shard failed");
  if (::renameat(shared_->root(), path_of(from).c_str(), shared_->root(), path_of(to).c_str()) != 0)
    return fail(errno_error(errno, "replace shard"));
  shared_->forget(std::string(to));
  return shared_->sync_entry(to);
}

Result<std::vector<std::string>> LocalShardStore::list_now() {
  std::vector<std::string> shards;
  COFFER_ASSIGN(const auto directories, names_in(shared_->root(), kSegments));
  for (const std::string& directory : directories) {
    if (directory.size() != 2 || !is_shard_name(directory)) continue;
    COFFER_ASSIGN(const auto files,
                  names_in(shared_->root(), std::string(kSegments) + '/' + directory));
    for (const std::string& file : files) {
      if (!file.ends_with(kSuffix)) continue;
      const std::string name = file.substr(0, file.size() - kSuffix.size());
      if (is_shard_name(name) && name.starts_with(directory)) shards.push_back(name);
    }
  }
  std::sort(shards.begin(), shards.end());
  return shards;
}

}  // namespace coffer
