#include "vault/volume/local_file_area.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "vault/volume/posix_io.h"

namespace coffer {
namespace {

class LocalAreaFile final : public AreaFile {
 public:
  enum class Access { Append, ReadOnly };
  LocalAreaFile(posix::UniqueFd fd, Access access) : fd_(std::move(fd)), access_(access) {}

  Result<void> append(Bytes data) override {
    if (access_ == Access::ReadOnly) return fail(Errc::ReadOnly, "file was opened to read");
    if (poisoned_) return fail(Errc::Io, "an earlier write or sync of this file failed");
    const Result<void> written = posix::write_all(fd_.get(), end_, data, "append");
    // What a failed append left behind is unknown; nothing may be put after it.
    if (!written)
      poisoned_ = true;
    else
      end_ += ByteCount(data.size());
    return written;
  }

  Result<void> write_zeros_ahead(ByteCount bytes) override {
    if (access_ == Access::ReadOnly) return fail(Errc::ReadOnly, "file was opened to read");
    static constexpr std::array<std::byte, std::size_t{64} << 10> kZeros{};
    const ByteOffset until = end_ + bytes;
    for (zeros_end_ = std::max(zeros_end_, end_); zeros_end_ < until;) {
      const ByteCount step = std::min(until - zeros_end_, ByteCount(kZeros.size()));
      COFFER_TRY(posix::write_all(fd_.get(), zeros_end_, Bytes(kZeros).first(step.value()),
                                  "write zeros ahead"));
      zeros_end_ += step;
    }
    return {};
  }

  Result<std::size_t> read(ByteOffset at, MutableBytes into) override {
    return posix::read_full(fd_.get(), at, into, "read");
  }

  Result<void> sync() override {
    if (poisoned_) return fail(Errc::Io, "an earlier write or sync of this file failed");
    Result<void> synced = posix::sync_data(fd_.get(), "sync");
    if (synced) return synced;
    poisoned_ = true;
    return fail(Errc::Io, std::move(synced).error().context);
  }

  Result<ByteCount> size() override { return posix::file_size(fd_.get(), "size"); }

 private:
  const posix::UniqueFd fd_;
  const Access access_;
  ByteOffset end_;  // appends are single-threaded
  ByteOffset zeros_end_;
  std::atomic<bool> poisoned_{false};
};

Result<void> check_both(std::string_view a, std::string_view b) {
  COFFER_TRY(posix::check_relative_path(a));
  return posix::check_relative_path(b);
}

Result<void> errno_result(int returned, std::string_view what) {
  if (returned == 0) return {};
  return fail(errno_error(errno, what));
}

}  // namespace

Result<std::unique_ptr<AreaFile>> LocalFileArea::create(std::string_view path, Create mode) {
  COFFER_TRY(posix::check_relative_path(path));
  const int how = mode == Create::Exclusive ? O_EXCL : O_TRUNC;
  COFFER_ASSIGN(auto fd, posix::open_at(root_, path, O_RDWR | O_CREAT | how));
  return std::make_unique<LocalAreaFile>(std::move(fd), LocalAreaFile::Access::Append);
}

Result<std::unique_ptr<AreaFile>> LocalFileArea::open(std::string_view path) {
  COFFER_TRY(posix::check_relative_path(path));
  COFFER_ASSIGN(auto fd, posix::open_at(root_, path, O_RDONLY));
  struct stat status {};
  COFFER_TRY(errno_result(::fstat(fd.get(), &status), path));
  if (S_ISDIR(status.st_mode)) return fail(Errc::IsDirectory, std::string(path));
  return std::make_unique<LocalAreaFile>(std::move(fd), LocalAreaFile::Access::ReadOnly);
}

Result<void> LocalFileArea::rename(std::string_view from, std::string_view to) {
  COFFER_TRY(check_both(from, to));
  return errno_result(::renameat(root_, std::string(from).c_str(), root_, std::string(to).c_str()),
                      from);
}

Result<void> LocalFileArea::link(std::string_view from, std::string_view to) {
  COFFER_TRY(check_both(from, to));
  return errno_result(::linkat(root_, std::string(from).c_str(), root_, std::string(to).c_str(), 0),
                      from);
}

Result<void> LocalFileArea::remove(std::string_view path) {
  COFFER_TRY(posix::check_relative_path(path));
  return errno_result(::unlinkat(root_, std::string(path).c_str(), 0), path);
}

Result<void> LocalFileArea::make_directory(std::string_view path) {
  COFFER_TRY(posix::check_relative_path(path));
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    COFFER_TRY(posix::make_directory_at(root_, path.substr(0, slash)));
    if (slash == std::string_view::npos) break;
  }
  // mkdir says only that something is there; a file of that name is an error here.
  COFFER_TRY(posix::open_directory_at(root_, path));
  return {};
}

Result<void> LocalFileArea::remove_directory(std::string_view path) {
  COFFER_TRY(posix::check_relative_path(path));
  return errno_result(::unlinkat(root_, std::string(path).c_str(), AT_REMOVEDIR), path);
}

Result<std::vector<AreaEntry>> LocalFileArea::list(std::string_view path) {
  if (!path.empty()) COFFER_TRY(posix::check_relative_path(path));
  COFFER_ASSIGN(auto fd, posix::open_directory_at(root_, path));
  DIR* directory = ::fdopendir(fd.get());
  if (directory == nullptr) return fail(errno_error(errno, path));
  const int directory_fd = fd.release();  // closedir closes it
  std::vector<AreaEntry> entries;
  int error = 0;
  for (errno = 0; const dirent* entry = ::readdir(directory); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat status {};
    if (::fstatat(directory_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed since
      error = errno;
      break;
    }
    const bool is_directory = S_ISDIR(status.st_mode);
    const auto size = static_cast<std::uint64_t>(is_directory ? 0 : status.st_size);
    entries.push_back({std::string(name), is_directory, ByteCount(size)});
  }
  if (error == 0) error = errno;
  ::closedir(directory);
  if (error != 0) return fail(errno_error(error, path));
  std::sort(entries.begin(), entries.end(),
            [](const AreaEntry& a, const AreaEntry& b) { return a.name < b.name; });
  return entries;
}

Result<void> LocalFileArea::sync_directory(std::string_view path) {
  if (!path.empty()) COFFER_TRY(posix::check_relative_path(path));
  return posix::sync_directory_at(root_, path);
}

Result<void> LocalFileArea::reserve(std::string_view path, ByteCount bytes) {
  COFFER_TRY(posix::check_relative_path(path));
  COFFER_ASSIGN(auto fd, posix::open_at(root_, path, O_RDWR | O_CREAT));
  COFFER_ASSIGN(const ByteCount before, posix::file_size(fd.get(), path));
  if (bytes.value() == 0) return {};
  const int error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes.value()));
  if (error == 0) return {};
  // Give back a half-made ballast: it would take space and keep no promise.
  if (before.value() == 0) ::unlinkat(root_, std::string(path).c_str(), 0);
  return fail(errno_error(error, path));
}

}  // namespace coffer
