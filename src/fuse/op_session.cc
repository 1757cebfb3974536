/// init: what we ask of the kernel (PARALLEL_DIROPS and HANDLE_KILLPRIV_V2 come from the shim).

#include "fuse/operations.h"

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

constexpr unsigned kBackgroundMax = 64;

void init(void* /*userdata*/, fuse_conn_info* connection) {
  connection->want = kWanted & connection->capable;
  connection->max_write = kTransferBytesMax;
  connection->max_background = kBackgroundMax;
  connection->congestion_threshold = kBackgroundMax * 3 / 4;
  connection->time_gran = 1;
}

}  // namespace

void add_session_operations(fuse_lowlevel_ops& operations) { operations.init = init; }

}  // namespace coffer::fuse
