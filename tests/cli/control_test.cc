#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "cli/control_client.h"
#include "cli/control_server.h"
#include "cli/runtime_directory.h"
#include "coffer/fuse/mount_table.h"
#include "tests/support/temp_directory.h"

namespace coffer::cli {
namespace {

using nlohmann::json;

class Control : public ::testing::Test {
 protected:
  Control() {
    ::setenv("XDG_RUNTIME_DIR", directory_.str().c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
  ~Control() override { ::unsetenv("XDG_RUNTIME_DIR"); }  // NOLINT(concurrency-mt-unsafe)

  Result<json> answer(const json& request, const ReportProgress& progress) {
    const std::string what = request.at("do");
    if (what == "hello") return json{{"uuid", uuid_.to_string()}, {"mountpoint", place_}};
    if (what == "long") {
      progress(1, 2);
      progress(2, 2);
      return json("done");
    }
    if (what == "echo") return request;
    return fail(Errc::Busy, "in use");
  }
  void start() {
    auto server = ControlServer::start(uuid_, [this](const json& request, const auto& progress) {
      return answer(request, progress);
    });
    ASSERT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
  }
  [[nodiscard]] std::string socket() const {
    return directory_.file("coffer/" + socket_name(uuid_));
  }

  testing::TempDirectory directory_;
  const Uuid uuid_ = *Uuid::parse("0123456789abcdef0123456789abcdef");
  const std::string place_ = directory_.make_directory("mountpoint");
  std::unique_ptr<ControlServer> server_;
};

TEST_F(Control, RootDoesNotBelieveWhoeverListens) {
  if (::geteuid() != 0) GTEST_SKIP() << "root alone looks into other users' directories";
  const std::string directory = "/tmp/coffer-test-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(directory.c_str(), 0700), 0);
  ASSERT_EQ(::chown(directory.c_str(), 65534, 65534), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory + "/x.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const bool listens =
      ::bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(listening, 4) == 0;
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(listens);
  std::thread impostor([&] {
    for (;;) {
      LineSocket peer(::accept(listening, nullptr, nullptr));
      if (peer.descriptor() < 0) return;
      const auto request = peer.receive(1000);
      if (request && *request)
        static_cast<void>(
            peer.send({{"ok", {{"uuid", uuid_.to_string()}, {"mountpoint", place_}}}}));
    }
  });
  EXPECT_FALSE(ControlClient::find(place_));
  ::shutdown(listening, SHUT_RDWR);
  impostor.join();
  ::close(listening);
  std::filesystem::remove_all(directory);
}

TEST_F(Control, DaemonIsFoundByItsMountpointAndAnswers) {
  start();
  auto client = ControlClient::find(place_ + "/");
  ASSERT_TRUE(client);
  const auto answer = client->ask({{"do", "echo"}, {"n", 7}});
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_EQ(answer->value("n", 0), 7);
  EXPECT_FALSE(ControlClient::find(directory_.str()));
}

TEST_F(Control, ProgressComesBeforeTheAnswer) {
  start();
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  std::vector<std::uint64_t> seen;
  const auto answer = client->ask({{"do", "long"}}, [&](std::uint64_t done, std::uint64_t) {
    seen.push_back(done);
    return true;
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(Control, SecretsFollowTheRequestWhenTheyAreAskedFor) {
  auto server = ControlServer::start(
      uuid_,
      [this](const json& request, const auto& progress) { return answer(request, progress); },
      [](const json& request, std::span<const SecretString> secrets) -> Result<json> {
        return json{{"request", request.dump()},
                    {"fits", secrets.size() == 2 && secrets[0].view() == "one\ntwo" &&
                                 secrets[1].view() == std::string(300'000, 'x')}};
      });
  ASSERT_TRUE(server) << server.error().context;
  server_ = std::move(*server);
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  std::vector<SecretString> secrets;
  secrets.emplace_back(std::string_view("one\ntwo"));
  secrets.emplace_back(std::string_view(std::string(300'000, 'x')));
  const auto answer = client->ask({{"do", "show"}}, secrets);
  ASSERT_TRUE(answer) << answer.error().context;
  EXPECT_TRUE(answer->value("fits", false));
  EXPECT_EQ(answer->value("request", "").find("two"), std::string::npos);
  secrets.emplace_back(std::string_view("three"));
  EXPECT_EQ(client->ask({{"do", "show"}}, secrets).error().code, Errc::InvalidArgument);
  EXPECT_TRUE(client->ask({{"do", "echo"}})) << "the connection goes on";
}

TEST_F(Control, ADaemonThatWantsNoSecretsIsSentNone) {
  start();
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  std::vector<SecretString> secrets;
  secrets.emplace_back(std::string_view("one"));
  EXPECT_EQ(client->ask({{"do", "echo"}}, secrets).error().code, Errc::InvalidArgument);
}

TEST_F(Control, ErrorsKeepTheirCode) {
  start();
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  const auto answer = client->ask({{"do", "anything"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::Busy);
  EXPECT_EQ(answer.error().context, "in use");
  const auto malformed = client->ask({{"what", 1}});
  ASSERT_FALSE(malformed);
  EXPECT_EQ(malformed.error().code, Errc::InvalidArgument);
}

TEST_F(Control, SocketIsPrivateAndGoesWithTheDoor) {
  start();
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  server_->close_door();
  EXPECT_NE(::stat(socket().c_str(), &status), 0);
}

TEST_F(Control, RequestUnderWayIsAnsweredAfterTheDoorClosed) {
  start();
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  server_->close_door();
  EXPECT_TRUE(client->ask({{"do", "echo"}}));
  EXPECT_FALSE(ControlClient::find(place_));
}

TEST_F(Control, IdleConnectionsDoNotKeepTheDaemon) {
  start();
  auto client = ControlClient::find(place_);
  ASSERT_TRUE(client);
  server_.reset();
  EXPECT_FALSE(client->ask({{"do", "echo"}}));
}

TEST_F(Control, SocketOfADeadDaemonIsReplaced) {
  start();
  ASSERT_EQ(::rename(socket().c_str(), directory_.file("kept").c_str()), 0);
  server_.reset();
  ASSERT_EQ(::rename(directory_.file("kept").c_str(), socket().c_str()), 0);
  EXPECT_FALSE(ControlClient::find(place_));
  start();
  EXPECT_TRUE(ControlClient::find(place_));
}

/// A daemon that says `hello`, and who it is.
std::unique_ptr<ControlServer> make_daemon(const char* uuid, json hello) {
  hello["uuid"] = uuid;
  auto server = ControlServer::start(*Uuid::parse(uuid),
                                     [hello](const json& request, const auto&) -> Result<json> {
                                       if (request.at("do") == "hello") return hello;
                                       return json(hello.at("uuid"));
                                     });
  return server ? std::move(*server) : nullptr;
}

std::string who_is_at(const std::string& place) {
  auto client = ControlClient::find(place);
  if (!client) return "nobody";
  const auto answer = client->ask({{"do", "who"}});
  return answer ? answer->get<std::string>() : answer.error().context;
}

TEST_F(Control, AMountpointGoesBeforeAVolumeOfTheSamePath) {
  constexpr const char* kFirst = "0123456789abcdef0123456789abcdef";
  constexpr const char* kSecond = "1123456789abcdef0123456789abcdef";
  const json has_volume{{"volumes", {place_}}};
  const json is_mounted{{"mountpoint", place_}};
  for (const bool swapped : {false, true}) {
    const auto first = make_daemon(kFirst, swapped ? is_mounted : has_volume);
    const auto second = make_daemon(kSecond, swapped ? has_volume : is_mounted);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(who_is_at(place_), swapped ? kFirst : kSecond);
  }
}

TEST_F(Control, OfSeveralMountsOnAPathTheOneThatShowsIsMeant) {
  constexpr const char* kFirst = "0123456789abcdef0123456789abcdef";
  constexpr const char* kSecond = "1123456789abcdef0123456789abcdef";
  const auto shown = fuse::top_mount("/proc");
  ASSERT_TRUE(shown);
  const json top{{"mountpoint", "/proc"}, {"mount_device", shown->device}};
  const json hidden{{"mountpoint", "/proc"}, {"mount_device", "0:999999"}};
  for (const bool swapped : {false, true}) {
    const auto first = make_daemon(kFirst, swapped ? top : hidden);
    const auto second = make_daemon(kSecond, swapped ? hidden : top);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(who_is_at("/proc"), swapped ? kFirst : kSecond);
  }
  const auto alone = make_daemon(kFirst, hidden);
  EXPECT_EQ(who_is_at("/proc"), "nobody");
}

TEST_F(Control, ManyClientsAtOnceAreAllAnswered) {
  start();
  std::atomic<int> answered = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 40; ++i)
    clients.emplace_back([&] {
      auto client = ControlClient::find(place_);
      if (client && client->ask({{"do", "echo"}})) ++answered;
    });
  clients.clear();
  EXPECT_EQ(answered, 40);
}

}  // namespace
}  // namespace coffer::cli
