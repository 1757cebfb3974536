// Bodies that are kept whole count with the windows, and nobody's are taken only where he might do something.
#include <chrono>
#include <thread>

#include "gateway/auth/access.h"
#include "tests/gateway/two_owners.h"

namespace coffer::gateway {
namespace {

class BodyMemory : public TwoOwners {
 protected:
  static std::string delete_request(std::size_t bytes) {
    const std::string end = "<Object><Key>k</Key></Object></Delete>";
    std::string body = "<Delete>";
    return body.append(bytes - body.size() - end.size(), ' ').append(end);
  }
  void wait_until_idle() {
    for (int i = 0; i < 2000 && server_->load().window_bytes > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(server_->load().window_bytes, 0U);
  }
};

TEST_F(BodyMemory, WhatIsKeptWholeCountsWithTheWindows) {
  options_.window_bytes = std::size_t{64} << 10;
  options_.window_bytes_total = std::size_t{1} << 20;
  start();
  EXPECT_EQ(as(kAlice, "POST", "/bucket?delete", {}, delete_request(500'000)).status, 200);
  EXPECT_EQ(as(kAlice, "POST", "/bucket?delete", {}, delete_request(3'000'000)).status, 503);
  wait_until_idle();
  // Each of them alone would fit.
  std::vector<std::unique_ptr<RawClient>> slow;
  const std::string half = delete_request(500'000);
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    auto client = connect();
    client->send(
        sign("POST", "/bucket?delete",
             {{"expect", "100-continue"}, {"content-length", std::to_string(half.size())}}));
    // What the others hold already may leave no room for its windows.
    const int status = client->receive().status;
    EXPECT_TRUE(status == 100 || status == 503) << status;
    if (status == 503) ++refused;
    if (status != 100) continue;
    client->send(std::string_view(half).substr(0, 480'000));
    slow.push_back(std::move(client));
  }
  for (const auto& client : slow) {
    client->send(std::string_view(half).substr(480'000));
    if (client->receive().status == 503) ++refused;
    EXPECT_LE(server_->load().window_bytes, options_.window_bytes_total);
  }
  EXPECT_GT(refused, 0);
  slow.clear();
  wait_until_idle();
}

TEST_F(BodyMemory, AFormIsCountedToo) {
  options_.window_bytes = std::size_t{16} << 10;
  options_.window_bytes_total = std::size_t{48} << 10;
  start();
  const std::string body = form_body({{"key", "k"}, {"x-ignore-a", std::string(40'000, 'a')}}, "x");
  EXPECT_EQ(nobody("POST", "/bucket", {kFormType}, body).status, 503);
  wait_until_idle();
}

TEST_F(BodyMemory, NobodysDeletionsAreTakenWhereSomethingMightLetHim) {
  const std::string body = delete_request(200);
  const auto refused_at_the_head = [&] {
    auto client = connect();
    client->send(unsigned_head(
        "POST", "/bucket?delete",
        {{"expect", "100-continue"}, {"content-length", std::to_string(body.size())}}));
    const int status = client->receive().status;
    EXPECT_TRUE(status == 100 || status == 403) << status;
    return status == 403;
  };
  EXPECT_TRUE(refused_at_the_head());
  set("bucket", setting::kAcl, "WRITE group http://acs.amazonaws.com/groups/global/AllUsers\n");
  EXPECT_FALSE(refused_at_the_head());
  put("bucket", "k", "x");
  EXPECT_EQ(nobody("POST", "/bucket?delete", {}, body).status, 200);
  EXPECT_FALSE(objects_.head("bucket", "k"));
  set("bucket", setting::kAcl, "READ group http://acs.amazonaws.com/groups/global/AllUsers\n");
  EXPECT_TRUE(refused_at_the_head());
  set("bucket", setting::kPolicy,
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/*"}})");
  EXPECT_FALSE(refused_at_the_head());
}

}  // namespace
}  // namespace coffer::gateway
