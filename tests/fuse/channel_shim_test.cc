#include "fuse/channel_shim.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "fuse/request_extras.h"
#include "fuse/wire.h"

namespace coffer::fuse {
namespace {

template <typename Body>
struct Request {
  fuse_in_header header{};
  Body body{};
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(this, 1));
  }
};

struct Reply {
  fuse_out_header header{};
  fuse_init_out body{};
  iovec parts[2];
  explicit Reply(std::uint64_t unique, int error = 0) {
    header.unique = unique;
    header.error = error;
    header.len = sizeof(header) + sizeof(body);
    body.flags = FUSE_ASYNC_READ;
    parts[0] = {&header, sizeof(header)};
    parts[1] = {&body, sizeof(body)};
  }
};

Request<fuse_init_in> init_request(std::uint32_t flags) {
  Request<fuse_init_in> request;
  request.header.opcode = FUSE_INIT;
  request.header.unique = 42;
  request.body.flags = flags;
  return request;
}

TEST(ChannelShim, AddsWhatTheKernelOffersToTheInitReply) {
  ChannelShim shim;
  shim.note_request(init_request(~0U).bytes());
  Reply reply(42);
  shim.patch_reply(reply.parts);
  EXPECT_EQ(reply.body.flags, std::uint32_t{FUSE_ASYNC_READ} | kInitFlagsAdded);
}

TEST(ChannelShim, NeverClaimsWhatTheKernelDidNotOffer) {
  ChannelShim shim;
  shim.note_request(init_request(FUSE_PARALLEL_DIROPS).bytes());
  Reply reply(42);
  shim.patch_reply(reply.parts);
  EXPECT_EQ(reply.body.flags, std::uint32_t{FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS});
}

TEST(ChannelShim, LeavesOtherAndFailedRepliesAlone) {
  ChannelShim shim;
  shim.note_request(init_request(~0U).bytes());
  Reply other(43);
  shim.patch_reply(other.parts);
  EXPECT_EQ(other.body.flags, std::uint32_t{FUSE_ASYNC_READ});
  Reply failed(42, -71);
  shim.patch_reply(failed.parts);
  EXPECT_EQ(failed.body.flags, std::uint32_t{FUSE_ASYNC_READ});
}

TEST(ChannelShim, IsInitialisedOnceTheReplyWasSent) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ChannelShim shim;
  shim.note_request(init_request(~0U).bytes());
  EXPECT_FALSE(shim.initialised());
  Reply reply(42);
  EXPECT_EQ(shim.send(ends[1], reply.parts), static_cast<ssize_t>(reply.header.len));
  EXPECT_TRUE(shim.initialised());
  std::byte sent[256];
  EXPECT_EQ(::read(ends[0], sent, sizeof(sent)), static_cast<ssize_t>(reply.header.len));
  fuse_init_out body;
  std::memcpy(&body, sent + sizeof(fuse_out_header), sizeof(body));
  EXPECT_NE(body.flags & FUSE_PARALLEL_DIROPS, 0U);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(RequestExtras, FindsTheKillFlagOfEachRequestThatCarriesOne) {
  Request<fuse_write_in> write;
  write.header.opcode = FUSE_WRITE;
  EXPECT_FALSE(parse_request_extras(write.bytes()).kill_suid_sgid);
  write.body.write_flags = FUSE_WRITE_KILL_SUIDGID;
  EXPECT_TRUE(parse_request_extras(write.bytes()).kill_suid_sgid);

  Request<fuse_setattr_in> setattr;
  setattr.header.opcode = FUSE_SETATTR;
  setattr.body.valid = FATTR_SIZE;
  EXPECT_FALSE(parse_request_extras(setattr.bytes()).kill_suid_sgid);
  setattr.body.valid |= FATTR_KILL_SUIDGID;
  EXPECT_TRUE(parse_request_extras(setattr.bytes()).kill_suid_sgid);

  Request<fuse_open_in> open;
  open.header.opcode = FUSE_OPEN;
  open.body.open_flags = FUSE_OPEN_KILL_SUIDGID;
  EXPECT_TRUE(parse_request_extras(open.bytes()).kill_suid_sgid);
}

TEST(RequestExtras, AShortRequestCarriesNothing) {
  Request<fuse_write_in> write;
  write.header.opcode = FUSE_WRITE;
  write.body.write_flags = FUSE_WRITE_KILL_SUIDGID;
  EXPECT_FALSE(parse_request_extras(write.bytes().first(sizeof(fuse_in_header))).kill_suid_sgid);
  EXPECT_FALSE(parse_request_extras({}).kill_suid_sgid);
}

TEST(RequestExtras, ASetxattrIsShortenedToWhatLibfuseKnows) {
  struct Setxattr {
    fuse_in_header header{};
    fuse_setxattr_in body{};
    char name_and_value[8] = {'u', '.', 'a', '\0', 'v', 'a', 'l', '!'};
  } request;
  static_assert(sizeof(request) == sizeof(fuse_in_header) + sizeof(fuse_setxattr_in) + 8);
  request.header.opcode = FUSE_SETXATTR;
  request.header.len = sizeof(request);
  request.body.size = 4;
  request.body.flags = 1;
  request.body.setxattr_flags = FUSE_SETXATTR_ACL_KILL_SGID;
  RequestExtras extras;
  const auto shorter = shorten_setxattr(std::as_writable_bytes(std::span(&request, 1)), extras);
  EXPECT_TRUE(extras.kill_sgid_with_acl);
  ASSERT_EQ(shorter.size(), sizeof(request) - 8);
  EXPECT_EQ(request.header.len, shorter.size());
  EXPECT_EQ(request.body.size, 4U);
  EXPECT_EQ(request.body.flags, 1U);
  const char* behind = reinterpret_cast<const char*>(shorter.data()) + sizeof(fuse_in_header) +
                       FUSE_COMPAT_SETXATTR_IN_SIZE;
  EXPECT_EQ(std::string_view(behind, 8), std::string_view("u.a\0val!", 8));
}

}  // namespace
}  // namespace coffer::fuse
