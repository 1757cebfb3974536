/// Bodies of replies that are read while they are sent.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "gateway/http/handler.h"
#include "gateway/http/server.h"
#include "tests/gateway/raw_client.h"

namespace coffer::gateway {
namespace {

/// Answers everything with 8 MiB, of which only the first half can be read.
class HalfReadable final : public Handler {
 public:
  static constexpr std::uint64_t kBytes = 8 << 20;
  Admission begin(const RequestHead&) override {
    Reply reply;
    reply.source = std::make_unique<Source>();
    reply.source_length = kBytes;
    return {std::move(reply), nullptr};
  }
  Reply failure(const RequestHead&, HttpFailure) override { return {}; }
  void completed(const RequestHead&, const RequestOutcome&) override {}

 private:
  class Source final : public BodySource {
    Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
      if (offset >= kBytes / 2) return fail(Errc::Io);
      std::fill(out.begin(), out.end(), std::byte{'g'});
      return out.size();
    }
  };
};

TEST(HttpServerSource, WhatCannotBeReadOnEndsEarlyAndIsNeverMadeUp) {
  HalfReadable handler;
  const auto server = Server::start(ServerOptions{}, handler);
  ASSERT_TRUE(server);
  for (int round = 0; round < 10; ++round) {
    RawClient client((*server)->local_endpoint());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const RawReply reply = client.receive();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.size(), HalfReadable::kBytes / 2);
    EXPECT_EQ(reply.body.find_first_not_of('g'), std::string::npos);
  }
}

/// Says 100 bytes, of which its first `short_answers` answers have only ten: cut off meanwhile.
class CutShort final : public Handler {
 public:
  explicit CutShort(int short_answers) : short_answers_(short_answers) {}
  Admission begin(const RequestHead&) override {
    Reply reply;
    reply.source = std::make_unique<Source>(begun_++ < short_answers_ ? 10 : 100);
    reply.source_length = 100;
    return {std::move(reply), nullptr};
  }
  Reply failure(const RequestHead&, HttpFailure failure) override {
    Reply reply;
    reply.status = failure == HttpFailure::SourceFailed ? 500 : 400;
    return reply;
  }
  void completed(const RequestHead&, const RequestOutcome&) override {}

 private:
  class Source final : public BodySource {
   public:
    explicit Source(std::size_t bytes) : bytes_(bytes) {}
    Result<std::size_t> read(std::uint64_t, MutableBytes out) override {
      std::fill(out.begin(), out.end(), std::byte{'g'});
      return std::min(bytes_, out.size());
    }

   private:
    const std::size_t bytes_;
  };

  const int short_answers_;
  std::atomic<int> begun_{0};
};

int status_after(int short_answers) {
  CutShort handler(short_answers);
  const auto server = Server::start(ServerOptions{}, handler);
  if (!server) return 0;
  RawClient client((*server)->local_endpoint());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  return client.receive().status;
}

TEST(HttpServerSource, AnObjectCutShortMeanwhileIsAskedForAgain) {
  EXPECT_EQ(status_after(3), 200);
  EXPECT_EQ(status_after(1000), 500) << "not for ever";
}

}  // namespace
}  // namespace coffer::gateway
