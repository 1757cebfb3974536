#pragma once
/// TwoOwners: a server over a vault in memory, whose requests come from the vault's own key, from Bob, an owner of his own, or
/// from nobody.

#include <gtest/gtest.h>

#include <memory>

#include "gateway/http/server.h"
#include "gateway/s3/s3_handler.h"
#include "tests/gateway/memory_objects.h"
#include "tests/gateway/raw_client.h"

namespace coffer::gateway {

inline constexpr TestKey kAlice{};
inline constexpr TestKey kBob{"BOBKEY00000000000000", "bob's secret, thirty-two letters"};

class TwoOwners : public testing::Test {
 protected:
  void SetUp() override {
    add_key(kAlice, "Alice", "");
    add_key(kBob, "Bob", "bob");
    ASSERT_TRUE(objects_.create_bucket("bucket", Durability::Synced, {}));
    start();
  }
  void add_key(const TestKey& key, std::string name, std::string owner) {
    AccessKey added;
    added.id = key.id;
    added.secret = key.secret;
    added.name = std::move(name);
    added.owner = std::move(owner);
    ASSERT_TRUE(keys_.add(added));
  }
  /// Again, with other options_.
  void start() {
    server_.reset();
    auto server = Server::start(options_, handler_);
    ASSERT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
  }
  [[nodiscard]] std::unique_ptr<RawClient> connect() const {
    return std::make_unique<RawClient>(server_->local_endpoint());
  }
  RawReply as(const TestKey& key, std::string_view method, std::string_view target,
              Fields fields = {}, std::string_view body = {}) {
    fields.emplace_back("content-length", std::to_string(body.size()));
    return send(method, sign(method, target, fields, "UNSIGNED-PAYLOAD", key), body);
  }
  RawReply nobody(std::string_view method, std::string_view target, Fields fields = {},
                  std::string_view body = {}) {
    fields.emplace_back("content-length", std::to_string(body.size()));
    return send(method, unsigned_head(method, target, fields), body);
  }
  /// Sends a head and has it answered; the body is what the test sends later.
  std::unique_ptr<RawClient> head_of(const TestKey& key, std::string_view method,
                                     std::string_view target, std::size_t body_bytes, int status) {
    auto client = connect();
    client->send(sign(method, target,
                      {{"expect", "100-continue"}, {"content-length", std::to_string(body_bytes)}},
                      "UNSIGNED-PAYLOAD", key));
    EXPECT_EQ(client->receive().status, status) << method << " " << target;
    return client;
  }
  void put(std::string_view bucket, std::string_view key, std::string_view bytes,
           ObjectMetadata metadata = {}) {
    auto writer = objects_.begin_put(bucket, key);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(as_bytes(bytes)));
    metadata.etag = "0123456789abcdef0123456789abcdef";
    ASSERT_TRUE((*writer)->commit(std::move(metadata), {}, Durability::Synced));
  }
  void set(std::string_view bucket, const std::string& name, const std::string& value) {
    ASSERT_TRUE(objects_.set_bucket_setting(bucket, name, value, Durability::Synced));
  }

  MemoryObjects objects_;
  MemoryAccessKeys keys_;
  S3Service service_{objects_,
                     keys_,
                     "us-east-1",
                     {"localhost"},
                     "owner",
                     Durability::Synced,
                     [] { return Result<void>(); },
                     {}};
  Registry metrics_;
  S3Handler handler_{service_, metrics_};
  ServerOptions options_;
  std::unique_ptr<Server> server_;

 private:
  RawReply send(std::string_view method, const std::string& head, std::string_view body) {
    RawClient client(server_->local_endpoint());
    client.send(head);
    client.send(body);
    return client.receive(method == "HEAD" ? RawClient::Expect::HeadOnly : RawClient::Expect::Body);
  }
};

/// A form of fields and then a file, and the header that announces it.
std::string form_body(const Fields& fields, std::string_view file);
inline const std::pair<std::string, std::string> kFormType{"content-type",
                                                           "multipart/form-data; boundary=BOUND"};

}  // namespace coffer::gateway
