#include "cli/control_client.h"

#include <utility>

#include "cli/options.h"
#include "cli/runtime_directory.h"
#include "coffer/vault/vault.h"

namespace coffer::cli {
namespace {

constexpr int kHelloMs = 5'000;

bool is_of(const nlohmann::json& hello, const std::string& place, const std::string& vault) {
  if (!vault.empty() && hello.value("uuid", "") == vault) return true;
  if (hello.value("mountpoint", "") == place) return true;
  for (const auto& path : hello.value("volumes", nlohmann::json::array()))
    if (path == place) return true;
  return false;
}

}  // namespace

std::optional<ControlClient> ControlClient::reach(const std::string& socket) {
  auto connected = LineSocket::connect(socket);
  if (!connected) return std::nullopt;
  return ControlClient(std::move(*connected));
}

std::optional<ControlClient> ControlClient::find(const std::string& place,
                                                 const std::vector<std::string>& more_volumes) {
  const std::vector<std::string> sockets = find_sockets();
  if (sockets.empty()) return std::nullopt;
  const std::string path = canonical_place(place);
  // A mountpoint is asked for first: looking for a superblock there would read the vault itself.
  std::string vault;
  for (const bool peeked : {false, true}) {
    if (peeked) {
      const auto status = Vault::peek(path, more_volumes);
      if (!status) break;
      vault = status->uuid.to_string();
    }
    for (const std::string& socket : sockets) {
      auto client = reach(socket);
      if (!client || !client->socket_.send({{"do", "hello"}})) continue;
      auto hello = client->socket_.receive(kHelloMs);
      if (!hello || !*hello || !(*hello)->contains("ok")) continue;
      if (is_of((**hello)["ok"], path, vault)) return client;
    }
  }
  return std::nullopt;
}

Result<nlohmann::json> ControlClient::ask(const nlohmann::json& request,
                                          const ReportProgress& progress) {
  COFFER_TRY(socket_.send(request));
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
