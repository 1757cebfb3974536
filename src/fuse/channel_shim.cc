#include "fuse/channel_shim.h"

#include <cerrno>
#include <cstring>

#include "fuse/wire.h"

namespace coffer::fuse {

void ChannelShim::note_request(std::span<const std::byte> request) {
  if (initialised() || request.size() < sizeof(fuse_in_header) + 4 * sizeof(std::uint32_t)) return;
  fuse_in_header header;
  std::memcpy(&header, request.data(), sizeof(header));
  if (header.opcode != FUSE_INIT) return;
  // Old kernels send a shorter fuse_init_in; the flags are its fourth word in all of them.
  std::uint32_t words[4];
  std::memcpy(words, request.data() + sizeof(header), sizeof(words));
  offered_.store(words[3], std::memory_order_relaxed);
  init_unique_.store(header.unique, std::memory_order_release);
}

void ChannelShim::patch_reply(std::span<iovec> reply) {
  const std::uint64_t unique = init_unique_.load(std::memory_order_acquire);
  if (unique == 0 || initialised() || reply.size() < 2) return;
  if (reply[0].iov_len != sizeof(fuse_out_header)) return;
  fuse_out_header header;
  std::memcpy(&header, reply[0].iov_base, sizeof(header));
  if (header.unique != unique || header.error != 0) return;

  constexpr std::size_t kFlagsEnd = offsetof(fuse_init_out, flags) + sizeof(std::uint32_t);
  if (reply[1].iov_len < kFlagsEnd) return;
  auto* body = static_cast<std::byte*>(reply[1].iov_base);
  std::uint32_t flags = 0;
  std::memcpy(&flags, body + offsetof(fuse_init_out, flags), sizeof(flags));
  flags |= kInitFlagsAdded & offered_.load(std::memory_order_relaxed);
  std::memcpy(body + offsetof(fuse_init_out, flags), &flags, sizeof(flags));
  flags_sent_.store(flags, std::memory_order_relaxed);
}

ssize_t ChannelShim::send(int fd, std::span<iovec> reply) {
  const bool may_be_init = !initialised();
  if (may_be_init) patch_reply(reply);
  const ssize_t sent = ::writev(fd, reply.data(), static_cast<int>(reply.size()));
  if (may_be_init && sent > 0 && flags_sent() != 0)
    initialised_.store(true, std::memory_order_release);
  return sent;
}

}  // namespace coffer::fuse
