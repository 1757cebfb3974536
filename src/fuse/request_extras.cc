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

RequestExtras& current_request_extras() {
  thread_local RequestExtras extras;
  return extras;
}

}  // namespace coffer::fuse
