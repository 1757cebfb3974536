#include "cli/control_client.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/options.h"
#include "cli/runtime_directory.h"
#include "coffer/fuse/mount_table.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {
namespace {

constexpr int kHelloMs = 5'000;

bool has_volume(const nlohmann::json& hello, const std::string& path) {
  const auto volumes = hello.value("volumes", nlohmann::json::array());
  return std::find(volumes.begin(), volumes.end(), path) != volumes.end();
}

/// A mount that another one hides is not what the path names.
bool shows_at(const nlohmann::json& hello, const std::string& path,
              const std::optional<fuse::MountEntry>& top) {
  if (hello.value("mountpoint", "") != path) return false;
  return !top || hello.value("mount_device", top->device) == top->device;
}

/// The kernel says that the mount which shows there is this user's.
bool is_mount_of(const std::optional<fuse::MountEntry>& top, std::uint32_t user) {
  return top && top->type == "fuse.coffer" && top->user == user;
}

}  // namespace

std::optional<ControlClient> ControlClient::reach(const std::string& socket) {
  auto connected = LineSocket::connect(socket);
  if (!connected) return std::nullopt;
  const auto user = connected->peer_user();
  if (!user) return std::nullopt;
  return ControlClient(std::move(*connected), *user);
}

bool ControlClient::is_trusted() const { return user_ == 0 || user_ == ::geteuid(); }

std::optional<ControlClient> ControlClient::find(const std::string& place,
                                                 const std::vector<std::string>& more_volumes) {
  struct Daemon {
    ControlClient client;
    nlohmann::json hello;
  };
  const std::string path = canonical_place(place);
  const auto top = fuse::top_mount(path);
  std::vector<Daemon> daemons;
  for (const std::string& socket : find_sockets()) {
    auto client = reach(socket);
    if (!client || !(client->is_trusted() || is_mount_of(top, client->user_))) continue;
    if (!client->socket_.send({{"do", "hello"}})) continue;
    auto answer = client->socket_.receive(kHelloMs);
    if (!answer || !*answer || !(*answer)->contains("ok")) continue;
    daemons.push_back({std::move(*client), std::move((**answer)["ok"])});
  }
  if (daemons.empty()) return std::nullopt;
  const auto first = [&](const auto& holds) -> std::optional<ControlClient> {
    for (Daemon& daemon : daemons)
      if (holds(daemon)) return std::move(daemon.client);
    return std::nullopt;
  };
  // A mountpoint is asked for first, of all of them: a volume of one vault may lie below another's mount,
  // and looking for a superblock at a mountpoint would read the vault itself.
  if (auto found = first([&](const Daemon& daemon) { return shows_at(daemon.hello, path, top); }))
    return found;
  const auto is_volume_of = [&](const Daemon& daemon) {
    return daemon.client.is_trusted() && has_volume(daemon.hello, path);
  };
  if (auto found = first(is_volume_of)) return found;
  const auto status = Vault::peek(path, more_volumes);
  if (!status) return std::nullopt;
  const std::string vault = status->uuid.to_string();
  return first([&](const Daemon& daemon) {
    return daemon.client.is_trusted() && daemon.hello.value("uuid", "") == vault;
  });
}

Result<nlohmann::json> ControlClient::ask(const nlohmann::json& request,
                                          const ReportProgress& progress) {
  COFFER_TRY(socket_.send(request));
  return receive_answer(progress);
}

Result<nlohmann::json> ControlClient::ask(nlohmann::json request,
                                          std::span<const SecretString> secrets) {
  if (!is_trusted())
    return fail(Errc::Permission,
                "this mount is user " + std::to_string(user_) +
                    "'s, whose daemon gets no passphrase from here: run it as that user");
  request["secrets"] = nlohmann::json::array();
  for (const SecretString& secret : secrets) request["secrets"].push_back(secret.size());
  COFFER_TRY(socket_.send(request));
  COFFER_ASSIGN(const auto ready, socket_.receive());
  if (!ready) return fail(Errc::Io, "the daemon ended before it answered");
  if (ready->contains("error")) return fail(error_from_json(*ready));
  for (const SecretString& secret : secrets) COFFER_TRY(socket_.send_secret(secret));
  return receive_answer({});
}

Result<nlohmann::json> ControlClient::receive_answer(const ReportProgress& progress) {
  for (;;) {
    COFFER_ASSIGN(auto answer, socket_.receive());
    if (!answer) return fail(Errc::Io, "the daemon ended before it answered");
    if (answer->contains("ok")) return std::move((*answer)["ok"]);
    if (answer->contains("error")) return fail(error_from_json(*answer));
    if (progress && answer->contains("progress")) {
      const auto& step = (*answer)["progress"];
      progress(step.value("done", std::uint64_t{0}), step.value("total", std::uint64_t{0}));
    }
  }
}

void ControlClient::wait_closed() {
  for (;;) {
    const auto more = socket_.receive();
    if (!more || !*more) return;
  }
}

}  // namespace coffer::cli
