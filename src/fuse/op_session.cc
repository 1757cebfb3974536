/// init: what we ask of the kernel (PARALLEL_DIROPS and HANDLE_KILLPRIV_V2 come from the shim).

#include <algorithm>

#include "fuse/operations.h"
#include "fuse/session.h"

namespace coffer::fuse {

namespace {

// EXPLICIT_INVAL_DATA instead of AUTO_INVAL_DATA: the kernel must not drop pages because an mtime
// moved; we say when. No splice: every byte is sealed or opened here anyway. No locks: one mount on
// one kernel, which keeps them. DONT_MASK: a default ACL takes the umask's place, which only we can tell.
constexpr unsigned kWanted =
    FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_READDIRPLUS |
    FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA |
    FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_PARALLEL_DIROPS |
    FUSE_CAP_IOCTL_DIR | FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK | FUSE_CAP_NO_OPENDIR_SUPPORT;

/// So many WRITEs of the page cache and read-aheads come at once. The kernel's queue is first in, first out: each one that no
/// worker has taken stands before the small requests that somebody waits for, a millisecond of work at 1 MiB. So there are
/// fewer of them than workers. Measured while a stream is written, on a busy machine: p99 of a stat 33 ms with 64, 4 ms with 8,
/// 2 to 3 ms with 4, the stream as fast with all.
unsigned background_max(std::size_t workers) {
  constexpr std::size_t kWorkersForOthers = 4;
  const std::size_t half = (workers + 1) / 2;
  return static_cast<unsigned>(
      workers > kWorkersForOthers ? std::max(workers - kWorkersForOthers, half) : half);
}

void init(void* userdata, fuse_conn_info* connection) {
  connection->want = kWanted & connection->capable;
  connection->max_write = kTransferBytesMax;
  connection->max_background = background_max(static_cast<Context*>(userdata)->session->workers());
  connection->congestion_threshold = connection->max_background;
  connection->time_gran = 1;
}

}  // namespace

void add_session_operations(fuse_lowlevel_ops& operations) { operations.init = init; }

}  // namespace coffer::fuse
