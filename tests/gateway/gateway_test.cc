/// The whole door: a real 1+0 vault, the real gateway, and the clients that people use.
#include "coffer/gateway/gateway.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "coffer/vault/vault.h"
#include "tests/gateway/raw_client.h"
#include "tests/support/source_root.h"
#include "tests/support/temp_directory.h"

namespace coffer::gateway {
namespace {

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    InitOptions options;
    options.volumes = {directory_.file("volume")};
    options.kdf_cost = kKdfCostMinimum;
    const auto made = Vault::init(options, credential());
    ASSERT_TRUE(made) << made.error().context;
    open();
    AccessKey key;
    key.id = kTestAccessKey;
    key.secret = kTestSecret;
    ASSERT_TRUE(vault_->access_keys().add(key));
    serve();
  }
  void TearDown() override { close(); }

  void open() {
    OpenOptions options;
    options.volume = directory_.file("volume");
    options.state_directory = directory_.file("state");
    auto opened = Vault::open(options, credential());
    ASSERT_TRUE(opened) << opened.error().context;
    vault_ = std::move(*opened);
  }
  void serve(GatewayOptions options = {}) {
    options.listen = "127.0.0.1:0";
    options.admin = "127.0.0.1:0";
    options.after_change = [this] { ++changes_; };
    auto started = Gateway::start(*vault_, options);
    ASSERT_TRUE(started) << started.error().context;
    gateway_ = std::move(*started);
  }
  void close() {
    gateway_.reset();
    if (!vault_) return;
    const auto closed = vault_->close();
    EXPECT_TRUE(closed) << closed.error().context;
    vault_.reset();
  }
  static Credential credential() {
    return {SlotKind::Passphrase, SecretString("a test's passphrase")};
  }

  /// Runs one of the scripts beside this file against the gateway; `environment` is "NAME=value ".
  int run(const std::string& interpreter, const std::string& script, const std::string& more = {},
          const std::string& environment = {}) {
    const auto path = coffer::test::source_root() / "tests" / "gateway" / script;
    const std::string scheme = environment.empty() ? "http://" : "https://";
    const std::string command = environment + "timeout 200 " + interpreter + " " + path.string() +
                                " " + scheme + gateway_->local_endpoint() + " " +
                                std::string(kTestAccessKey) + " " + std::string(kTestSecret) + " " +
                                more;
    return std::system(command.c_str());  // NOLINT(cert-env33-c): our own scripts
  }

  coffer::testing::TempDirectory directory_;
  std::atomic<int> changes_{0};
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Gateway> gateway_;
};

bool has_boto3(const std::string& python) {
  return std::system((python + " -c 'import boto3' 2>/dev/null").c_str()) == 0;  // NOLINT
}

TEST_F(GatewayTest, Boto3DoesItsEverydayJob) {
  if (!has_boto3("/usr/bin/python3")) GTEST_SKIP() << "no boto3 here";
  EXPECT_EQ(run("/usr/bin/python3", "s3_client.py"), 0);
}

TEST_F(GatewayTest, EachOwnerDoesWhatHeMay) {
  if (!has_boto3("/usr/bin/python3")) GTEST_SKIP() << "no boto3 here";
  AccessKey other;
  other.name = "Other";
  other.owner = "other$owner";
  const auto key = vault_->access_keys().add(other);
  ASSERT_TRUE(key);
  EXPECT_EQ(run("/usr/bin/python3", "s3_access.py", key->id + " " + key->secret + " 'other$owner'"),
            0);
}

TEST_F(GatewayTest, ANewerBoto3DoesItsEverydayJob) {
  const char* const python = std::getenv("COFFER_TEST_PYTHON");  // NOLINT(concurrency-mt-unsafe)
  if (python == nullptr || !has_boto3(python)) {
    GTEST_SKIP() << "COFFER_TEST_PYTHON names no python with boto3";
  }
  EXPECT_EQ(run(python, "s3_client.py"), 0);
}

TEST_F(GatewayTest, Boto3DoesItsEverydayJobOverTls) {
  if (!has_boto3("/usr/bin/python3")) GTEST_SKIP() << "no boto3 here";
  GatewayOptions options;
  options.tls_certificate = directory_.file("certificate.pem");
  options.tls_key = directory_.file("key.pem");
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
      "/CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null -out " +
      options.tls_certificate + " -keyout " + options.tls_key;
  ASSERT_EQ(std::system(make.c_str()), 0);  // NOLINT(cert-env33-c)
  gateway_.reset();
  serve(options);
  const std::string trust = options.tls_certificate;
  EXPECT_EQ(run("/usr/bin/python3", "s3_client.py", "",
                "AWS_CA_BUNDLE=" + trust + " SSL_CERT_FILE=" + trust + " "),
            0);
}

TEST_F(GatewayTest, CommandLineClientsDoTheirEverydayJob) {
  EXPECT_EQ(run("sh", "s3_clients.sh", directory_.make_directory("clients")), 0);
}

TEST_F(GatewayTest, WhatWasAnsweredIsThereAfterReopening) {
  const std::string body(3'000'000, 'x');
  {
    RawClient client(gateway_->local_endpoint());
    EXPECT_EQ(client.request("PUT", "/bucket").status, 200);
    EXPECT_EQ(client.request("PUT", "/bucket/a/b", {{"x-amz-meta-k", "v"}}, body).status, 200);
    EXPECT_EQ(changes_, 2);
  }
  close();
  open();
  serve();
  RawClient client(gateway_->local_endpoint());
  const RawReply got = client.request("GET", "/bucket/a/b");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, body);
  EXPECT_EQ(got.field("x-amz-meta-k"), "v");
}

TEST_F(GatewayTest, AnOverwriteDuringAGetDoesNotShow) {
  RawClient writer(gateway_->local_endpoint());
  writer.request("PUT", "/bucket");
  const std::string old_body(24 << 20, 'o');
  ASSERT_EQ(writer.request("PUT", "/bucket/key", {}, old_body).status, 200);
  RawClient reader(gateway_->local_endpoint());
  reader.send(sign("GET", "/bucket/key", {}));
  ASSERT_EQ(writer.request("PUT", "/bucket/key", {}, std::string(24 << 20, 'n')).status, 200);
  const RawReply got = reader.receive();
  ASSERT_EQ(got.status, 200);
  EXPECT_TRUE(got.body.size() == old_body.size() &&
              got.body.find_first_not_of(got.body[0]) == std::string::npos);
}

TEST_F(GatewayTest, ConditionalWritesAreHeldTo) {
  RawClient client(gateway_->local_endpoint());
  client.request("PUT", "/bucket");
  EXPECT_EQ(client.request("PUT", "/bucket/k", {{"if-none-match", "*"}}, "one").status, 200);
  const RawReply second = client.request("PUT", "/bucket/k", {{"if-none-match", "*"}}, "two");
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(client.request("PUT", "/bucket/k", {{"if-match", "\"wrong\""}}, "two").status, 412);
  const RawReply got = client.request("GET", "/bucket/k");
  EXPECT_EQ(got.body, "one");
  EXPECT_EQ(client.request("PUT", "/bucket/k", {{"if-match", got.field("etag")}}, "two").status,
            200);
  EXPECT_EQ(client.request("GET", "/bucket/k").body, "two");
}

TEST_F(GatewayTest, TheAdminEndpointAnswers) {
  RawClient client(gateway_->admin_endpoint());
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  client.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.receive().body.find("coffer_s3_request_seconds"), std::string::npos);
}

TEST_F(GatewayTest, AnAddressThatIsNoneIsRefused) {
  GatewayOptions options;
  options.listen = "nowhere";
  const auto started = Gateway::start(*vault_, options);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::InvalidArgument);
  options.listen = gateway_->local_endpoint();
  const auto taken = Gateway::start(*vault_, options);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::Busy);
}

}  // namespace
}  // namespace coffer::gateway
