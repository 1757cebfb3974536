#pragma once
/// Mount: a vault as a directory of this machine.
///
/// Owns      the kernel mount, the session, its worker threads and the notifier thread.
/// Borrows   the vault; it outlives the mount. At most one Mount per open vault.
/// Threads   start and the destructor from one thread, everything else from any thread.
/// Errors    start: NotFound, NotDirectory, InvalidArgument (an option), AccessDenied, Busy, Io.
/// Durable   what programs are promised is docs/posix.md.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "coffer/core/error.h"

namespace coffer {
class Vault;
}

namespace coffer::fuse {

struct MountOptions {
  std::string mountpoint;
  bool read_only = false;         // also when the vault is
  bool allow_other = false;       // other users than the one who mounts
  std::string extra;              // the words of -o, comma-separated
  std::string source = "coffer";  // what /proc/mounts shows as the device
  unsigned workers = 0;           // 0: four per core, 8 to 16
};

struct MountStatistics {
  /// Requests from the kernel by opcode (linux/fuse.h).
  std::array<std::uint64_t, 64> requests{};
  std::uint64_t notifications = 0;  // sent to the kernel
  std::uint64_t inodes_known = 0;   // in the inode table; 1 (the root) when the kernel forgot all
  std::uint64_t inode_table_bytes = 0;
  [[nodiscard]] std::uint64_t requests_total() const;
};

/// "lookup", "getattr", …: what the opcode asks for. Empty: nothing that this program knows.
std::string_view request_name(std::size_t opcode);

class Mount {
 public:
  /// Returns once the mount answers. A mountpoint left by a daemon that died is taken over.
  static Result<std::unique_ptr<Mount>> start(Vault& vault, const MountOptions& options);

  /// As stop().
  virtual ~Mount() = default;

  /// Blocks until the file system is unmounted (by unmount(), stop() or somebody else) and every
  /// request was answered.
  virtual void wait() = 0;
  /// As wait(), for at most `timeout`. False: it is still mounted.
  virtual bool wait_for(std::chrono::milliseconds timeout) = 0;

  /// Unmounts. Busy, and nothing changed: a program uses it, also after umount -l; or another mount is on top of it.
  virtual Result<void> unmount() = 0;
  /// Flushes what the kernel holds, then unmounts, whoever uses it; what cannot be unmounted loses its connection. What is
  /// mounted on top stays. Bounded; idempotent.
  virtual void stop() = 0;

  /// Waits until the kernel was told of every change that the vault published before this call, so
  /// that what S3 answered is what the mount shows. Takes no vault lock. False on timeout.
  virtual bool settle(std::chrono::milliseconds timeout) = 0;

  [[nodiscard]] virtual MountStatistics statistics() const = 0;
  /// The mountpoint as an absolute path.
  [[nodiscard]] virtual const std::string& mountpoint() const = 0;
  /// "major:minor", by which the mount table knows it.
  [[nodiscard]] virtual const std::string& device() const = 0;
};

/// Whether start() could mount there with these options, as far as that can be told beforehand: so that nobody is asked
/// for a passphrase in vain. Errors as start().
Result<void> check_mountable(const MountOptions& options);

/// True when `path` is a mountpoint whose daemon is gone.
bool is_stale_mountpoint(const std::string& path);

enum class Unmount {
  WhenUnused,
  Lazily  // out of the tree at once; its daemon ends with the last file that is open
};

/// Unmounts `path` from another process than the daemon: what `coffer unmount` falls back on when
/// no daemon answers.
Result<void> unmount_path(const std::string& path, Unmount how);

/// Changes the flags of a mount that is there: `words` as in MountOptions::extra; those not named stay. Root only.
Result<void> remount_path(const std::string& path, const std::string& words);

}  // namespace coffer::fuse
