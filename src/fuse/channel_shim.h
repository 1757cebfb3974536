#pragma once
/// ChannelShim: libfuse's I/O on /dev/fuse, with our hand on the INIT exchange.
///
/// libfuse 3.14.0 never answers INIT with FUSE_PARALLEL_DIROPS nor FUSE_HANDLE_KILLPRIV_V2: without
/// the first, lookups in one directory come one after the other; without the second, every small
/// buffered write costs a GETXATTR of security.capability. The shim adds what the kernel offered to
/// the reply.
///
/// Owns      nothing; the descriptor belongs to libfuse's session once it was handed over.
/// Threads   note_request and the I/O functions from any worker; INIT comes alone and first.

#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coffer::fuse {

class ChannelShim {
 public:
  /// Looks at a request before libfuse does: remembers what INIT offered.
  void note_request(std::span<const std::byte> request);

  /// True once INIT was answered: the kernel now sends the rest.
  [[nodiscard]] bool initialised() const { return initialised_.load(std::memory_order_acquire); }

  /// The INIT flags of the reply as it was sent; 0 before.
  [[nodiscard]] std::uint32_t flags_sent() const {
    return flags_sent_.load(std::memory_order_relaxed);
  }

  /// Patches `reply` (header, then body) in place when it answers INIT. Exposed for its test.
  void patch_reply(std::span<iovec> reply);

  /// Sends one reply or notification, as libfuse's custom writev does.
  ssize_t send(int fd, std::span<iovec> reply);

 private:
  std::atomic<std::uint64_t> init_unique_{0};
  std::atomic<std::uint32_t> offered_{0};
  std::atomic<std::uint32_t> flags_sent_{0};
  std::atomic<bool> initialised_{false};
};

}  // namespace coffer::fuse
