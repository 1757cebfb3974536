#include "coffer/fuse/mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "coffer/core/log.h"
#include "coffer/vault/change_feed.h"
#include "fuse/context.h"
#include "fuse/invalidator.h"
#include "fuse/kernel_mount.h"
#include "fuse/libfuse.h"
#include "fuse/operations.h"
#include "fuse/page_flusher.h"
#include "fuse/session.h"

namespace coffer::fuse {

namespace {

constexpr unsigned kReadAheadKib = 1024;
constexpr std::chrono::seconds kEndPatience{1};
constexpr std::chrono::seconds kEndPatienceMax{10};

unsigned worker_count(unsigned asked) {
  if (asked != 0) return std::min(asked, 64U);
  return std::clamp(4 * std::thread::hardware_concurrency(), 8U, 16U);
}

/// Makes the kernel write its dirty pages back; their WRITEs run on our own workers.
void flush_kernel(const std::string& mountpoint) {
  const int fd = ::open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::syncfs(fd);
  ::close(fd);
}

class RunningMount final : public Mount {
 public:
  RunningMount(Vault& vault, KernelMount kernel) : kernel_(std::move(kernel)), context_(vault) {}
  ~RunningMount() override { stop(); }

  Result<void> run(const MountOptions& options);

  void wait() override { session_->wait_ended(); }
  bool wait_for(std::chrono::milliseconds timeout) override {
    return session_->wait_ended(timeout);
  }
  Result<void> unmount() override;
  void stop() override;
  bool settle(std::chrono::milliseconds timeout) override {
    return invalidator_->wait_notified(invalidator_->last_ticket(), timeout);
  }
  [[nodiscard]] MountStatistics statistics() const override;
  [[nodiscard]] const std::string& mountpoint() const override { return kernel_.mountpoint(); }
  [[nodiscard]] const std::string& device() const override { return kernel_.device(); }

 private:
  Result<void> detach() REQUIRES(stop_mutex_);
  void end_connection() REQUIRES(stop_mutex_);
  void finish() REQUIRES(stop_mutex_);
  void flush_open_files();

  const KernelMount kernel_;
  Context context_;
  std::unique_ptr<Session> session_;
  std::optional<Invalidator> invalidator_;
  std::optional<PageFlusher> page_flusher_;

  Mutex stop_mutex_;
  bool finished_ GUARDED_BY(stop_mutex_) = false;
};

Result<void> RunningMount::run(const MountOptions& options) {
  COFFER_ASSIGN(session_, Session::create(kernel_.descriptor(), operations(), context_,
                                          worker_count(options.workers)));
  invalidator_.emplace(context_.vault.changes(), *session_, context_.inodes);
  page_flusher_.emplace(*session_);
  context_.session = session_.get();
  context_.page_flusher = &*page_flusher_;
  context_.sync_names = kernel_.syncs_names();
  context_.inodes.add_lookups(kRootInode);  // the kernel holds the root as long as it is mounted
  context_.tree.set_inode_users(&context_);
  COFFER_TRY(session_->start());
  struct stat root;
  if (::stat(kernel_.mountpoint().c_str(), &root) != 0)
    return fail(errno_error(errno, "the mount at " + kernel_.mountpoint() + " does not answer"));
  kernel_.set_read_ahead(kReadAheadKib);
  return {};
}

// syncfs on FUSE starts writeback and does not wait for it (the kernel trusts no daemon to answer), so an
// abort would lose what is under way. Invalidating a file's pages waits until they are written. Files
// that were closed are clean: FLUSH came after their pages.
void RunningMount::flush_open_files() {
  for (const InodeId inode : context_.inodes.all_open_for_writing())
    ::fuse_lowlevel_notify_inval_inode(session_->libfuse(), inode.value(), 0, 0);
}

/// Unmounts, or finds it unmounted. Busy: the connection goes on.
Result<void> RunningMount::detach() {
  const Result<void> detached = kernel_.detach();
  if (detached || detached.error().code != Errc::NotFound) return detached;
  // Whoever took it out of the tree has ended it, or left it to the files that are open.
  if (session_->wait_ended(kEndPatience)) return {};
  return fail(Errc::Busy, kernel_.mountpoint() + " was unmounted while files in it were open");
}

Result<void> RunningMount::unmount() {
  MutexLock lock(stop_mutex_);
  if (finished_) return {};
  COFFER_TRY(detach());
  finish();
  return {};
}

void RunningMount::stop() {
  MutexLock lock(stop_mutex_);
  if (finished_) return;
  if (session_ == nullptr) {  // never ran: libfuse did not take the descriptor
    finished_ = true;
    static_cast<void>(kernel_.abort());
    return;
  }
  if (!context_.shim.initialised()) {
    if (!kernel_.abort()) session_->interrupt();  // it would never answer a flush
  } else if (!session_->wait_ended(std::chrono::milliseconds(0))) {
    if (kernel_.shows()) flush_kernel(kernel_.mountpoint());
    if (const Result<void> detached = detach(); !detached) {
      log_warning("{}; its connection is ended, and what is open there stops working",
                  detached.error().context);
      end_connection();
    }
  }
  finish();
}

/// Files that are open keep what was written to them until now.
void RunningMount::end_connection() {
  flush_open_files();
  if (!kernel_.abort()) session_->interrupt();
}

// The kernel is gone when the workers have ended. Nobody sends the forgets for what it still knew,
// so the tree is told here, which lets it reclaim what has no name.
void RunningMount::finish() {
  finished_ = true;
  // Dirty pages may still come in after umount returned; what neither ends nor asks is held elsewhere, and what asks on and on as well.
  const auto deadline = std::chrono::steady_clock::now() + kEndPatienceMax;
  std::uint64_t seen = 0;
  while (!session_->wait_ended(kEndPatience)) {
    const std::uint64_t now = statistics().requests_total();
    if (std::exchange(seen, now) != now && std::chrono::steady_clock::now() < deadline) continue;
    log_warning("the mount is still held elsewhere; ending its connection");
    end_connection();
  }
  session_->join();
  page_flusher_->stop();
  invalidator_->stop();
  // Files that were cut off while open had no FLUSH: commit what came in for them.
  for (const InodeId inode : context_.inodes.all_open_for_writing())
    static_cast<void>(context_.tree.commit_file(inode));
  context_.tree.set_inode_users(nullptr);
  context_.inodes.drain([this](InodeId inode) { context_.tree.forgotten(inode); });
}

MountStatistics RunningMount::statistics() const {
  MountStatistics result;
  result.requests = session_->request_counts();
  result.notifications = invalidator_->notifications();
  result.inodes_known = context_.inodes.size();
  result.inode_table_bytes = context_.inodes.memory_bytes();
  return result;
}

}  // namespace

std::uint64_t MountStatistics::requests_total() const {
  return std::accumulate(requests.begin(), requests.end(), std::uint64_t{0});
}

namespace {

KernelMountOptions kernel_options(const MountOptions& options) {
  KernelMountOptions kernel;
  kernel.mountpoint = options.mountpoint;
  kernel.source = options.source;
  kernel.read_only = options.read_only;
  kernel.allow_other = options.allow_other;
  kernel.extra = options.extra;
  return kernel;
}

}  // namespace

Result<std::unique_ptr<Mount>> Mount::start(Vault& vault, const MountOptions& options) {
  KernelMountOptions wanted = kernel_options(options);
  wanted.read_only = wanted.read_only || vault.read_only();
  COFFER_ASSIGN(KernelMount kernel, KernelMount::attach(wanted));
  auto mount = std::make_unique<RunningMount>(vault, std::move(kernel));
  COFFER_TRY(mount->run(options));
  return mount;
}

Result<void> check_mountable(const MountOptions& options) {
  return check_attachable(kernel_options(options));
}

bool is_stale_mountpoint(const std::string& path) { return is_stale(path); }

Result<void> unmount_path(const std::string& path, Unmount how) {
  return detach_path(path, how == Unmount::Lazily ? Detach::Lazily : Detach::WhenUnused);
}

Result<void> remount_path(const std::string& path, const std::string& words) {
  return change_flags(path, words);
}

}  // namespace coffer::fuse
