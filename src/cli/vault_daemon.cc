#include "cli/vault_daemon.h"

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "cli/control_server.h"
#include "cli/key_requests.h"
#include "cli/open_vault.h"
#include "cli/status_report.h"
#include "cli/vault_requests.h"
#include "coffer/core/log.h"
#include "coffer/core/metrics.h"

namespace coffer::cli {

using nlohmann::json;

namespace {

/// How long an S3 answer waits until the mount's caches were told of the change.
constexpr std::chrono::milliseconds kSettleMax{5'000};

}  // namespace

struct VaultDaemon::Impl {
  explicit Impl(StopSignal& stop_signal) : stop(stop_signal) {}

  StopSignal& stop;
  Registry metrics;
  bool tls = false;
  std::string uuid;
  std::unique_ptr<Vault> vault;
  std::unique_ptr<fuse::Mount> mount;
  std::unique_ptr<Gateway> gateway;
  std::thread mount_watcher;  // asks for the stop when the mount ends
  std::unique_ptr<ControlServer> control;

  /// Held shared by a request that uses the vault or a door, alone by who takes them away.
  std::shared_mutex in_use;
  bool closing = false;             // guarded by in_use
  std::atomic<bool> ending{false};  // close() was called
  std::mutex introduction_mutex;
  json
      introduction;  // what hello answers, as of when the vault could last be asked; guarded by introduction_mutex
  bool closed = false;
  std::promise<Result<void>> close_outcome;
  std::shared_future<Result<void>> close_outcome_shared = close_outcome.get_future().share();

  Result<void> open_doors(Doors doors);
  void measure_mount();
  Result<json> handle(const json& request, const ReportProgress& progress);
  Result<json> handle_secrets(const json& request, std::span<const SecretString> secrets);
  Result<json> hello();
  Result<void> introduce();
  Result<json> status();
  Result<json> stop_and_wait();
  Result<void> close();
};

/// The gateway alone renders the metrics, and close() ends it before the mount.
void VaultDaemon::Impl::measure_mount() {
  for (std::size_t opcode = 0; opcode < fuse::MountStatistics{}.requests.size(); ++opcode) {
    const std::string_view name = fuse::request_name(opcode);
    if (name.empty()) continue;
    metrics.counter_from("coffer_mount_requests_total", "Requests of the kernel to the mount.",
                         {{"request", std::string(name)}}, [this, opcode] {
                           return static_cast<double>(mount->statistics().requests[opcode]);
                         });
  }
  const auto number = [this](std::uint64_t fuse::MountStatistics::*part) {
    return [this, part] { return static_cast<double>(mount->statistics().*part); };
  };
  metrics.counter_from("coffer_mount_notifications_total",
                       "Changes of the other door that the kernel was told of.", {},
                       number(&fuse::MountStatistics::notifications));
  metrics.gauge_from("coffer_mount_inodes_known", "Inodes that the kernel holds or has open.", {},
                     number(&fuse::MountStatistics::inodes_known));
  metrics.gauge_from("coffer_mount_inode_table_bytes", "Memory of the table of those inodes.", {},
                     number(&fuse::MountStatistics::inode_table_bytes));
}

Result<void> VaultDaemon::Impl::open_doors(Doors doors) {
  if (doors.mount) {
    COFFER_ASSIGN(mount, fuse::Mount::start(*vault, *doors.mount));
    measure_mount();
    mount_watcher = std::thread([this] {
      mount->wait();
      stop.request();
    });
  }
  if (doors.gateway) {
    tls = !doors.gateway->tls_certificate.empty();
    doors.gateway->metrics = &metrics;
    if (mount)
      doors.gateway->after_change = [this] {
        if (!mount->settle(kSettleMax)) log_warning("the mount shows changes late");
      };
    COFFER_ASSIGN(gateway, Gateway::start(*vault, std::move(*doors.gateway)));
  }
  COFFER_TRY(introduce());
  COFFER_ASSIGN(
      control,
      ControlServer::start(
          vault->uuid(),
          [this](const json& request, const auto& progress) { return handle(request, progress); },
          [this](const json& request, auto secrets) { return handle_secrets(request, secrets); }));
  return {};
}

Result<json> VaultDaemon::Impl::handle(const json& request, const ReportProgress& progress) {
  const std::string what = request.at("do");
  if (what == "stop") return stop_and_wait();
  if (what == "hello") return hello();
  const std::shared_lock lock(in_use);
  if (closing) return fail(Errc::ShuttingDown, "the daemon is closing the vault");
  if (what == "status") return status();
  return answer_vault_request(*vault, request, progress);
}

Result<json> VaultDaemon::Impl::handle_secrets(const json& request,
                                               std::span<const SecretString> secrets) {
  const std::shared_lock lock(in_use);
  if (closing) return fail(Errc::ShuttingDown, "the daemon is closing the vault");
  return answer_key_request(*vault, request, secrets);
}

/// Also while the vault is being closed, which may take a while: who wants its lock then waits for that, or for the answer to a stop.
Result<json> VaultDaemon::Impl::hello() {
  {
    const std::shared_lock lock(in_use, std::try_to_lock);
    if (lock && !closing) COFFER_TRY(introduce());
  }
  const std::scoped_lock lock(introduction_mutex);
  json answer = introduction;
  answer["closing"] = ending.load();
  return answer;
}

/// @pre the vault cannot be closed meanwhile
Result<void> VaultDaemon::Impl::introduce() {
  json answer{{"uuid", uuid}, {"pid", ::getpid()}, {"volumes", json::array()}};
  if (mount) {
    answer["mountpoint"] = mount->mountpoint();
    answer["mount_device"] = mount->device();
  }
  COFFER_ASSIGN(const VaultStatus status, vault->status());
  for (const VolumeStatus& volume : status.volumes) answer["volumes"].push_back(volume.path);
  const std::scoped_lock lock(introduction_mutex);
  introduction = std::move(answer);
  return {};
}

Result<json> VaultDaemon::Impl::status() {
  COFFER_ASSIGN(const VaultStatus status, vault->status());
  json answer = status_json(status);
  answer["state"] = mount ? "mounted" : "serving";
  answer["pid"] = ::getpid();
  if (mount) {
    answer["mountpoint"] = mount->mountpoint();
    answer["mount"] = statistics_json(mount->statistics());
  }
  if (gateway) {
    answer["s3_endpoint"] = (tls ? "https://" : "http://") + gateway->local_endpoint();
    if (const std::string admin = gateway->admin_endpoint(); !admin.empty())
      answer["admin_endpoint"] = "http://" + admin;
  }
  return answer;
}

/// A mount that is in use refuses, and everything goes on. Otherwise the answer is given when the
/// vault is closed and its lock released.
Result<json> VaultDaemon::Impl::stop_and_wait() {
  {
    const std::shared_lock lock(in_use);
    if (!closing && mount) COFFER_TRY(mount->unmount());
  }
  stop.request();
  COFFER_TRY(close_outcome_shared.get());
  return json::object();
}

Result<void> VaultDaemon::Impl::close() {
  if (std::exchange(closed, true)) return {};
  ending = true;
  if (vault) vault->end_upkeep();  // whoever waits for such work holds what closing waits for
  if (gateway) gateway->stop();
  if (mount) mount->stop();
  if (mount_watcher.joinable()) mount_watcher.join();
  Result<void> outcome;
  {
    const std::unique_lock lock(in_use);
    closing = true;
    gateway.reset();
    mount.reset();
    if (vault) {
      outcome = vault->close();
      log_info("vault {} is closed", uuid);
    }
    vault.reset();
  }
  // Not before: an unmount that comes meanwhile finds somebody to wait for, and waits for the vault's lock as well.
  if (control) control->close_door();
  close_outcome.set_value(outcome);
  control.reset();
  return outcome;
}

VaultDaemon::VaultDaemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

VaultDaemon::~VaultDaemon() {
  if (auto closed = impl_->close(); !closed)
    log_error("closing the vault: {}", closed.error().context);
}

Result<std::unique_ptr<VaultDaemon>> VaultDaemon::start(const OpenOptions& open,
                                                        const Credential& credential, Doors doors,
                                                        StopSignal& stop) {
  std::unique_ptr<VaultDaemon> daemon(new VaultDaemon(std::make_unique<Impl>(stop)));
  COFFER_ASSIGN(daemon->impl_->vault, open_vault(open, credential));
  daemon->impl_->uuid = daemon->impl_->vault->uuid().to_string();
  COFFER_TRY(daemon->impl_->open_doors(std::move(doors)));
  log_info("vault {} is open{}{}", daemon->impl_->uuid, daemon->impl_->mount ? ", mounted" : "",
           daemon->impl_->gateway ? ", serving " + daemon->impl_->gateway->local_endpoint() : "");
  return daemon;
}

std::string VaultDaemon::greeting() const {
  if (!impl_->gateway) return {};
  std::string text =
      (impl_->tls ? "s3: https://" : "s3: http://") + impl_->gateway->local_endpoint() + "\n";
  if (const std::string admin = impl_->gateway->admin_endpoint(); !admin.empty())
    text += "admin: http://" + admin + "\n";
  return text;
}

Result<void> VaultDaemon::close() { return impl_->close(); }

}  // namespace coffer::cli
