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
#include "fuse/session.h"

namespace coffer::fuse {

namespace {

constexpr unsigned kReadAheadKib = 1024;
constexpr std::chrono::seconds kEndPatience{1};

unsigned worker_count(unsigned asked) {
  if (asked != 0) return std::min(asked, 64U);
  return std::clamp(2 * std::thread::hardware_concurrency(), 4U, 16U);
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

 private:
  void finish() REQUIRES(stop_mutex_);
  void flush_open_files();

  const KernelMount kernel_;
  Context context_;
  std::unique_ptr<Session> session_;
  std::optional<Invalidator> invalidator_;

  Mutex stop_mutex_;
  bool finished_ GUARDED_BY(stop_mutex_) = false;
};

Result<void> RunningMount::run(const MountOptions& options) {
  COFFER_ASSIGN(session_, Session::create(kernel_.descriptor(), operations(), context_,
                                          worker_count(options.workers)));
  invalidator_.emplace(context_.vault.changes(), *session_, context_.inodes);
  context_.session = session_.get();
  context_.invalidator = &*invalidator_;
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

Result<void> RunningMount::unmount() {
  MutexLock lock(stop_mutex_);
  if (finished_) return {};
  COFFER_TRY(kernel_.detach());
  finish();
  return {};
}

void RunningMount::stop() {
  MutexLock lock(stop_mutex_);
  if (finished_) return;
  if (session_ == nullptr) {  // never ran: libfuse did not take the descriptor
    finished_ = true;
    kernel_.abort();
    return;
  }
  if (!context_.shim.initialised()) {
    kernel_.abort();  // it would never answer a flush
  } else if (!session_->wait_ended(std::chrono::milliseconds(0))) {
    flush_kernel(kernel_.mountpoint());
    if (!kernel_.detach()) {
      flush_open_files();
      kernel_.abort();
    }
  }
  finish();
}

// The kernel is gone when the workers have ended. Nobody sends the forgets for what it still knew,
// so the tree is told here, which lets it reclaim what has no name.
void RunningMount::finish() {
  finished_ = true;
  // Dirty pages may still come in after umount returned; what neither ends nor asks is held elsewhere.
  std::uint64_t seen = 0;
  while (!session_->wait_ended(kEndPatience)) {
    const std::uint64_t now = statistics().requests_total();
    if (std::exchange(seen, now) != now) continue;
    log_warning("the mount is still held elsewhere; ending its connection");
    session_->interrupt();
  }
  session_->join();
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

Result<std::unique_ptr<Mount>> Mount::start(Vault& vault, const MountOptions& options) {
  KernelMountOptions kernel_options;
  kernel_options.mountpoint = options.mountpoint;
  kernel_options.source = options.source;
  kernel_options.read_only = options.read_only || vault.read_only();
  kernel_options.allow_other = options.allow_other;
  kernel_options.extra = options.extra;
  COFFER_ASSIGN(KernelMount kernel, KernelMount::attach(kernel_options));
  auto mount = std::make_unique<RunningMount>(vault, std::move(kernel));
  COFFER_TRY(mount->run(options));
  return mount;
}

bool is_stale_mountpoint(const std::string& path) { return is_stale(path); }

Result<void> unmount_path(const std::string& path) { return detach_path(path); }

}  // namespace coffer::fuse
