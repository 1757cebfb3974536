#include "fuse/request_extras.h"

#include <cstring>

#include "fuse/wire.h"

namespace coffer::fuse {

namespace {

template <typename Body>
bool read_body(std::span<const std::byte> request, Body& body) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(Body)) return false;
  std::memcpy(&body, request.data() + sizeof(fuse_in_header), sizeof(Body));
  return true;
}

}  // namespace

RequestExtras parse_request_extras(std::span<const std::byte> request) {
  RequestExtras extras;
  if (request.size() < sizeof(fuse_in_header)) return extras;
  fuse_in_header header;
  std::memcpy(&header, request.data(), sizeof(header));
  if (header.opcode == FUSE_WRITE) {
    fuse_write_in body;
    extras.kill_suid_sgid =
        read_body(request, body) && (body.write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
  } else if (header.opcode == FUSE_SETATTR) {
    fuse_setattr_in body;
    extras.kill_suid_sgid = read_body(request, body) && (body.valid & FATTR_KILL_SUIDGID) != 0;
  } else if (header.opcode == FUSE_OPEN) {
    fuse_open_in body;
    extras.kill_suid_sgid =
        read_body(request, body) && (body.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
  } else if (header.opcode == FUSE_CREATE) {
    fuse_create_in body;
    extras.kill_suid_sgid =
        read_body(request, body) && (body.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
  }
  return extras;
}

std::span<std::byte> shorten_setxattr(std::span<std::byte> request, RequestExtras& extras) {
  constexpr std::size_t kBodyAt = sizeof(fuse_in_header);
  constexpr std::size_t kExtension = sizeof(fuse_setxattr_in) - FUSE_COMPAT_SETXATTR_IN_SIZE;
  fuse_setxattr_in body;
  if (!read_body(request, body)) return request;
  extras.kill_sgid_with_acl = (body.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) != 0;
  const std::span<std::byte> name_and_value = request.subspan(kBodyAt + sizeof(body));
  std::memmove(name_and_value.data() - kExtension, name_and_value.data(), name_and_value.size());
  const std::span<std::byte> shorter = request.first(request.size() - kExtension);
  fuse_in_header header;
  std::memcpy(&header, shorter.data(), sizeof(header));
  header.len = static_cast<std::uint32_t>(shorter.size());
  std::memcpy(shorter.data(), &header, sizeof(header));
  return shorter;
}

RequestExtras& current_request_extras() {
  thread_local RequestExtras extras;
  return extras;
}

}  // namespace coffer::fuse
