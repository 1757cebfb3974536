/// The server's manners on the wire, with S3 over a vault in memory behind it.
#include "gateway/http/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "gateway/s3/checksum.h"
#include "gateway/s3/s3_handler.h"
#include "tests/gateway/memory_objects.h"
#include "tests/gateway/raw_client.h"

namespace coffer::gateway {
namespace {

class HttpServer : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        keys_.add({std::string(kTestAccessKey), std::string(kTestSecret), "test", "", false, {}}));
    ASSERT_TRUE(objects_.create_bucket("bucket", Durability::Synced, {}));
  }
  void start() {
    auto server = Server::start(options_, handler_);
    ASSERT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
  }
  [[nodiscard]] std::string endpoint() const { return server_->local_endpoint(); }

  MemoryObjects objects_;
  MemoryAccessKeys keys_;
  std::atomic<int> changes_{0};
  S3Service service_{objects_,
                     keys_,
                     "us-east-1",
                     {"localhost"},
                     "owner",
                     Durability::Synced,
                     [] { return Result<void>(); },
                     [this] { ++changes_; }};
  Registry metrics_;
  S3Handler handler_{service_, metrics_};
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(HttpServer, KeepsTheConnectionAndTakesRequestsInARow) {
  start();
  RawClient client(endpoint());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.request("PUT", "/bucket/key", {}, "content " + std::to_string(i)).status, 200);
    const RawReply got = client.request("GET", "/bucket/key");
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "content " + std::to_string(i));
    EXPECT_EQ(got.field("x-amz-request-id").size(), 16U);
  }
  EXPECT_EQ(changes_, 3);
  // Pipelined: both at once.
  client.send(sign("GET", "/bucket/key", {}) + sign("GET", "/bucket/none", {}));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 404);
}

TEST_F(HttpServer, HeadAndNotModifiedHaveNoBody) {
  start();
  RawClient client(endpoint());
  client.request("PUT", "/bucket/key", {}, "content");
  const RawReply head = client.request("HEAD", "/bucket/key");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-length"), "7");
  EXPECT_EQ(client.request("HEAD", "/bucket/none").status, 404);
  client.send(sign("GET", "/bucket/key", {{"if-none-match", head.field("etag")}}));
  EXPECT_EQ(client.receive(RawClient::Expect::HeadOnly).status, 304);
  EXPECT_EQ(client.request("GET", "/bucket/key").body, "content");  // nothing stayed behind
}

TEST_F(HttpServer, ContinueComesAfterAuthenticationOnly) {
  start();
  const std::string body(300'000, 'x');
  const Fields fields{{"expect", "100-continue"}, {"content-length", std::to_string(body.size())}};
  RawClient client(endpoint());
  client.send(sign("PUT", "/bucket/key", fields));
  EXPECT_EQ(client.receive().status, 100);
  client.send(body);
  EXPECT_EQ(client.receive().status, 200);

  RawClient wrong(endpoint());
  std::string head = sign("PUT", "/bucket/key", fields);
  head[head.find("Signature=") + 10] ^= 1;
  wrong.send(head);
  EXPECT_EQ(wrong.receive().status, 403);
  EXPECT_TRUE(wrong.closed_by_server());
}

TEST_F(HttpServer, ContinueComesBeforeAnEmptyBodyToo) {
  start();
  RawClient client(endpoint());
  for (const std::size_t size : {0U, 100U, 0U}) {
    client.send(sign("PUT", "/bucket/key",
                     {{"expect", "100-continue"}, {"content-length", std::to_string(size)}}));
    EXPECT_EQ(client.receive().status, 100);
    client.send(std::string(size, 'x'));
    const RawReply put = client.receive();
    EXPECT_EQ(put.status, 200);
    EXPECT_EQ(put.field("connection"), "");
  }
  // Without a 100 the connection ends with the answer.
  client.send(sign("PUT", "/nobucket/key", {{"expect", "100-continue"}, {"content-length", "0"}}));
  const RawReply refused = client.receive();
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(refused.field("connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(HttpServer, TakesABodyByteByByte) {
  start();
  RawClient client(endpoint());
  const std::string wire = sign("PUT", "/bucket/key", {{"content-length", "5"}}) + "hello";
  for (const char c : wire) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.request("GET", "/bucket/key").body, "hello");
}

TEST_F(HttpServer, TakesChunkedTransferAroundAwsChunks) {
  start();
  RawClient client(endpoint());
  std::string payload(200'000, 'p');
  const std::string inner = "30d40\r\n" + payload + "\r\n0\r\nx-amz-checksum-crc32:" + "\r\n\r\n";
  // The trailer is wrong on purpose first: nothing may become visible.
  const Fields fields{{"transfer-encoding", "chunked"},
                      {"content-encoding", "aws-chunked"},
                      {"x-amz-decoded-content-length", "200000"},
                      {"x-amz-trailer", "x-amz-checksum-crc32"}};
  const auto chunked = [](std::string_view bytes, std::size_t piece) {
    std::string out;
    char size[32];
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, piece);
      std::snprintf(size, sizeof size, "%zx\r\n", part.size());
      out.append(size).append(part).append("\r\n");
      bytes.remove_prefix(part.size());
    }
    return out + "0\r\n\r\n";
  };
  client.send(sign("PUT", "/bucket/key", fields, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
  client.send(chunked(inner, 7777));
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_EQ(client.request("GET", "/bucket/key").status, 404);

  Checksum crc(ChecksumKind::Crc32);
  crc.update(as_bytes(payload));
  const std::string good = "30d40\r\n" + payload +
                           "\r\n0\r\nx-amz-checksum-crc32:" + to_base64(as_bytes(crc.finish())) +
                           "\r\n\r\n";
  client.send(sign("PUT", "/bucket/key", fields, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
  client.send(chunked(good, 65536));
  const RawReply put = client.receive();
  EXPECT_EQ(put.status, 200);
  EXPECT_FALSE(put.field("x-amz-checksum-crc32").empty());
  const RawReply got = client.request("GET", "/bucket/key");
  EXPECT_EQ(got.body, payload);
  EXPECT_TRUE(got.field("content-encoding").empty());
}

TEST_F(HttpServer, ABodyThatBreaksOffLeavesNothing) {
  start();
  {
    RawClient client(endpoint());
    client.send(sign("PUT", "/bucket/key", {{"content-length", "1000000"}}) +
                std::string(500'000, 'x'));
  }
  RawClient client(endpoint());
  EXPECT_EQ(client.request("GET", "/bucket/key").status, 404);
}

TEST_F(HttpServer, AWrongHashLeavesNothing) {
  start();
  RawClient client(endpoint());
  const std::string body = "hello";
  client.send(sign("PUT", "/bucket/key", {{"content-length", "5"}}, std::string(64, 'a')) + body);
  const RawReply reply = client.receive();
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("XAmzContentSHA256Mismatch"), std::string::npos);
  EXPECT_EQ(client.request("PUT", "/bucket/key", {{"content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="}}, "x")
                .status,
            400);
  EXPECT_EQ(client.request("GET", "/bucket/key").status, 404);
}

TEST_F(HttpServer, MalformedAndOversizedHeadsAreRefused) {
  start();
  RawClient garbage(endpoint());
  garbage.send("this is not HTTP\r\n\r\n");
  EXPECT_EQ(garbage.receive().status, 400);
  EXPECT_TRUE(garbage.closed_by_server());
  RawClient oversized(endpoint());
  oversized.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(100'000, 'a') + "\r\n\r\n");
  EXPECT_EQ(oversized.receive().status, 400);
  RawClient smuggler(endpoint());
  smuggler.send(
      "PUT /bucket/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n");
  EXPECT_EQ(smuggler.receive().status, 400);
}

TEST_F(HttpServer, TheLimitOfAHeadIsOneOfAllItsLines) {
  start();
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += "a:b\r\n";
  RawClient client(endpoint());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n");
  const RawReply reply = client.receive();
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("RequestHeaderSectionTooLarge"), std::string::npos);
}

TEST_F(HttpServer, APutSaysHowLongItIs) {
  start();
  RawClient client(endpoint());
  EXPECT_EQ(client.request("PUT", "/bucket/key", {}, "content").status, 200);
  client.send(sign("PUT", "/bucket/key", {}));
  EXPECT_EQ(client.receive().status, 411);
  EXPECT_EQ(client.request("GET", "/bucket/key").body, "content");
}

TEST_F(HttpServer, WhatAPutCannotMeanOverwritesNothing) {
  start();
  RawClient client(endpoint());
  EXPECT_EQ(client.request("PUT", "/bucket/key", {}, "content").status, 200);
  EXPECT_EQ(client.request("PUT", "/bucket/key?partNumber=1", {}, "x").status, 400);
  EXPECT_EQ(client.request("PUT", "/bucket/key?versionId=abc", {}, "x").status, 400);
  EXPECT_EQ(client.request("GET", "/bucket/key").body, "content");
  for (const char* coding : {"gzip, chunked", "gzip", "chunked, chunked"}) {
    RawClient other(endpoint());
    other.send(sign("PUT", "/bucket/key", {{"transfer-encoding", coding}}) + "1\r\nx\r\n0\r\n\r\n");
    const RawReply reply = other.receive();
    EXPECT_TRUE(reply.status == 501 || reply.status == 400) << coding << reply.status;
    EXPECT_TRUE(other.closed_by_server());
  }
  EXPECT_EQ(client.request("GET", "/bucket/key").body, "content");
}

TEST_F(HttpServer, ARangeBeyondTheEndIsToldTheSize) {
  start();
  RawClient client(endpoint());
  client.request("PUT", "/bucket/key", {}, "content");
  client.send(sign("GET", "/bucket/key", {{"range", "bytes=99999999999999999999-"}}));
  const RawReply reply = client.receive();
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.field("content-range"), "bytes */7");
}

TEST_F(HttpServer, ErrorsOfOddKeysAreXml) {
  start();
  RawClient client(endpoint());
  const RawReply reply = client.request("GET", "/bucket/a%01b%20c");
  EXPECT_EQ(reply.status, 404);
  EXPECT_NE(reply.body.find("<Resource>/bucket/a%01b%20c</Resource>"), std::string::npos);
}

TEST_F(HttpServer, CompleteChecksWhatItIsToldAndAnswersAgain) {
  start();
  RawClient client(endpoint());
  const std::string id = *objects_.create_upload("bucket", "key", {});
  const std::string at = "/bucket/key?uploadId=" + id;
  const RawReply part = client.request("PUT", at + "&partNumber=1", {}, "part");
  const std::string body = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                           part.field("etag") + "</ETag></Part></CompleteMultipartUpload>";
  EXPECT_EQ(client.request("POST", at, {{"x-amz-mp-object-size", "5"}}, body).status, 400);
  EXPECT_EQ(client.request("POST", at, {{"x-amz-checksum-crc32", "AAAAAA=="}}, body).status, 400);
  const RawReply first = client.request("POST", at, {{"x-amz-mp-object-size", "4"}}, body);
  EXPECT_EQ(first.status, 200);
  const RawReply again = client.request("POST", at, {}, body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  client.request("PUT", "/bucket/key", {}, "other");
  EXPECT_EQ(client.request("POST", at, {}, body).status, 404);
}

TEST(ErrorCodes, WhatTryingAgainDoesNotHelpIsNo503) {
  EXPECT_EQ(text_of(to_s3_code(Errc::ReadOnly, Subject::Object)).status, 403);
  EXPECT_EQ(text_of(to_s3_code(Errc::NoSpace, Subject::Object)).status, 507);
}

TEST_F(HttpServer, ARefusedLongBodyStillGetsItsAnswer) {
  start();
  RawClient client(endpoint());
  client.send(sign("PUT", "/nobucket/key", {{"content-length", "50000000"}}));
  client.send(std::string(2'000'000, 'x'));
  const RawReply reply = client.receive();
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.field("connection"), "close");
}

TEST_F(HttpServer, SilentClientsAreLetGo) {
  options_.header_timeout = std::chrono::seconds(1);
  options_.idle_timeout = std::chrono::seconds(1);
  options_.progress_timeout = std::chrono::seconds(1);
  start();
  RawClient idle(endpoint());
  RawClient half_head(endpoint());
  half_head.send("GET / HT");
  RawClient half_body(endpoint());
  half_body.send(sign("PUT", "/bucket/key", {{"content-length", "1000000"}}) + "x");
  EXPECT_TRUE(idle.closed_by_server());
  EXPECT_TRUE(half_head.closed_by_server());
  EXPECT_NE(half_body.receive().status, 200);
}

TEST_F(HttpServer, BeyondTheLimitsComesSlowDown) {
  options_.connections_max = 2;
  start();
  RawClient first(endpoint());
  RawClient second(endpoint());
  EXPECT_EQ(first.request("GET", "/").status, 200);
  EXPECT_EQ(second.request("GET", "/").status, 200);
  RawClient third(endpoint());
  EXPECT_EQ(third.receive().status, 503);
}

TEST_F(HttpServer, MemoryForBodiesIsBounded) {
  options_.window_bytes_total = 2 * 1024 * 1024;
  start();
  RawClient writer(endpoint());
  const std::string body(8 << 20, 'b');
  EXPECT_EQ(writer.request("PUT", "/bucket/big", {}, body).status, 200);
  // Clients that do not read: each holds its windows; what finds no room is told so.
  std::vector<std::unique_ptr<RawClient>> slow;
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) {
    slow.push_back(std::make_unique<RawClient>(endpoint()));
    slow.back()->send(sign("GET", "/bucket/big", {}));
    refused = slow.back()->receive(RawClient::Expect::HeadOnly).status == 503;
    EXPECT_LE(server_->load().window_bytes, options_.window_bytes_total);
  }
  EXPECT_TRUE(refused);
}

TEST_F(HttpServer, StopLetsRequestsFinishAndClosesIdleConnections) {
  start();
  RawClient idle(endpoint());
  EXPECT_EQ(idle.request("GET", "/").status, 200);
  while (server_->load().requests != 0) std::this_thread::yield();
  RawClient busy(endpoint());
  busy.send(sign("PUT", "/bucket/key", {{"content-length", "10"}}) + "01234");
  while (server_->load().requests == 0) std::this_thread::yield();
  std::thread stopper([this] { server_->stop(); });
  EXPECT_TRUE(idle.closed_by_server());
  busy.send("56789");
  const RawReply reply = busy.receive();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("connection"), "close");
  stopper.join();
  RawClient late(endpoint());
  EXPECT_FALSE(late.send("GET / HTTP/1.1\r\n\r\n") && late.receive().status != 0);
}

TEST_F(HttpServer, ManyClientsAtOnce) {
  options_.io_threads = 2;
  start();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      RawClient client(endpoint());
      for (int i = 0; i < 40; ++i) {
        const std::string key = "/bucket/" + std::to_string(t) + "-" + std::to_string(i % 5);
        const std::string body(static_cast<std::size_t>(i * 30'011), static_cast<char>('a' + t));
        if (client.request("PUT", key, {}, body).status != 200 && !body.empty()) ++wrong;
        if (!body.empty() && client.request("GET", key).body != body) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  // A client has its answer before the server has put the request away.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (server_->load().requests != 0 && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  EXPECT_EQ(server_->load().requests, 0U);
  EXPECT_EQ(server_->load().window_bytes, 0U);
}

TEST_F(HttpServer, MutatedRequestsDoNoHarm) {
  options_.progress_timeout = std::chrono::seconds(1);
  start();
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> requests{
      sign("PUT", "/bucket/key?x=%20", {{"content-length", "5"}}) + "hello",
      sign("PUT", "/bucket/key", {{"content-length", "20"}, {"x-amz-decoded-content-length", "5"}},
           "STREAMING-UNSIGNED-PAYLOAD-TRAILER") +
          "5\r\nhello\r\n0\r\n\r\n",
      sign("PUT", "/bucket/key", {{"transfer-encoding", "chunked"}}) + "5\r\nhello\r\n0\r\n\r\n",
      sign("GET", "/bucket?list-type=2&prefix=a%2F&max-keys=5", {}),
      sign("GET", "/bucket/key", {{"range", "bytes=0-3"}, {"if-modified-since", "Sun"}}),
      sign("POST", "/bucket?delete", {{"content-length", "60"}}) +
          "<Delete><Object><Key>a</Key></Object><Quiet>1</Quiet></Delete>"};
  for (int round = 0; round < 400; ++round) {
    std::string wire = requests[random() % requests.size()];
    for (unsigned n = random() % 4; n > 0; --n) {
      const std::size_t at = random() % wire.size();
      switch (random() % 3) {
        case 0:
          wire[at] = static_cast<char>(random());
          break;
        case 1:
          wire.erase(at, random() % 20);
          break;
        default:
          wire.insert(at, wire.substr(random() % wire.size(), random() % 30));
      }
      if (wire.empty()) break;
    }
    RawClient client(endpoint());
    client.send(wire);
  }
  RawClient client(endpoint());
  EXPECT_EQ(client.request("GET", "/").status, 200);
  while (server_->load().requests > 0) std::this_thread::yield();
  EXPECT_EQ(server_->load().window_bytes, 0U);
}

TEST_F(HttpServer, KeysAreHeldToTheirScope) {
  ASSERT_TRUE(keys_.remove(kTestAccessKey));
  ASSERT_TRUE(keys_.add(
      {std::string(kTestAccessKey), std::string(kTestSecret), "reader", "bucket", true, {}}));
  ASSERT_TRUE(objects_.create_bucket("other", Durability::Synced, {}));
  start();
  RawClient client(endpoint());
  EXPECT_EQ(client.request("GET", "/bucket").status, 200);
  EXPECT_EQ(client.request("GET", "/other").status, 403);
  EXPECT_EQ(client.request("PUT", "/bucket/key", {}, "x").status, 403);
  EXPECT_EQ(client.request("GET", "/").body.find("other"), std::string::npos);
}

}  // namespace
}  // namespace coffer::gateway
