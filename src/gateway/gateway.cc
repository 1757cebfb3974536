#include "coffer/gateway/gateway.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "coffer/core/metrics.h"
#include "coffer/vault/vault.h"
#include "gateway/admin/admin_handler.h"
#include "gateway/auth/digest.h"
#include "gateway/http/server.h"
#include "gateway/s3/lifecycle_runner.h"
#include "gateway/s3/number.h"
#include "gateway/s3/s3_handler.h"

namespace coffer {
namespace {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// "127.0.0.1:9000", "[::1]:9000", ":9000" (all addresses).
Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = gateway::parse_number(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty()) host = "0.0.0.0";
    if (port && *port <= 65535)
      return Address{std::string(host), static_cast<std::uint16_t>(*port)};
  }
  return fail(Errc::InvalidArgument, "not HOST:PORT: " + std::string(text));
}

gateway::ServerOptions server_options(const GatewayOptions& options, const Address& address) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  gateway::ServerOptions server;
  server.host = address.host;
  server.port = address.port;
  server.tls_certificate = options.tls_certificate;
  server.tls_key = options.tls_key;
  server.io_threads = options.io_threads != 0 ? options.io_threads : std::max(1U, cores / 2);
  server.workers = options.workers != 0 ? options.workers : std::max(4U, 2 * cores);
  server.connections_max = options.connections_max;
  server.requests_max = options.requests_max;
  server.window_bytes_total = options.buffer_bytes;
  server.idle_timeout = options.idle_timeout;
  server.progress_timeout = options.progress_timeout;
  server.drain_timeout = options.drain_timeout;
  return server;
}

gateway::ServerOptions admin_options(const Address& address) {
  gateway::ServerOptions server;
  server.host = address.host;
  server.port = address.port;
  server.workers = 1;
  server.committers = 1;
  server.connections_max = 64;
  server.requests_max = 16;
  server.header_bytes_max = 8 * 1024;
  server.drain_timeout = std::chrono::seconds(1);
  return server;
}

/// The registry may live longer than the gateway, so the gauges hold no more than a weak reference.
void measure(const std::shared_ptr<gateway::Server>& server, Registry& metrics) {
  const auto gauge = [&](std::string_view name, std::string_view help,
                         std::size_t gateway::ServerLoad::*part) {
    metrics.gauge_from(name, help, {}, [weak = std::weak_ptr(server), part] {
      const auto alive = weak.lock();
      return alive ? static_cast<double>(alive->load().*part) : 0.0;
    });
  };
  gauge("coffer_s3_connections", "Open connections.", &gateway::ServerLoad::connections);
  gauge("coffer_s3_requests", "Requests under way.", &gateway::ServerLoad::requests);
  gauge("coffer_s3_window_bytes", "Memory of bodies under way.",
        &gateway::ServerLoad::window_bytes);
  gauge("coffer_s3_queued", "Calls that wait for a worker.", &gateway::ServerLoad::queued);
}

}  // namespace

struct Gateway::Impl {
  Impl(Vault& open_vault, GatewayOptions gateway_options)
      : vault(open_vault), options(std::move(gateway_options)) {}

  Vault& vault;
  GatewayOptions options;
  Registry own_metrics;
  Registry* metrics = nullptr;
  std::unique_ptr<gateway::S3Service> service;
  std::unique_ptr<gateway::LifecycleRunner> lifecycle;
  std::unique_ptr<gateway::S3Handler> handler;
  std::unique_ptr<gateway::AdminHandler> admin_handler;
  std::shared_ptr<gateway::Server> server;
  std::unique_ptr<gateway::Server> admin;
};

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() { stop(); }

Result<std::unique_ptr<Gateway>> Gateway::start(Vault& vault, GatewayOptions options) {
  COFFER_ASSIGN(const Address address, parse_address(options.listen));
  auto impl = std::make_unique<Impl>(vault, std::move(options));
  impl->metrics = impl->options.metrics != nullptr ? impl->options.metrics : &impl->own_metrics;
  std::vector<std::string> domains = impl->options.domains;
  domains.emplace_back("localhost");
  impl->service = std::make_unique<gateway::S3Service>(gateway::S3Service{
      vault.objects(), vault.access_keys(), impl->options.region, std::move(domains),
      gateway::to_hex(gateway::sha256("owner " + vault.uuid().to_string())),
      impl->options.durability, [&vault] { return vault.tree().sync_all(); },
      impl->options.after_change});
  if (impl->options.lifecycle_day.count() > 0)
    impl->service->lifecycle_day_s = impl->options.lifecycle_day.count();
  impl->lifecycle = std::make_unique<gateway::LifecycleRunner>(*impl->service);
  impl->handler = std::make_unique<gateway::S3Handler>(*impl->service, *impl->metrics);
  COFFER_ASSIGN(impl->server,
                gateway::Server::start(server_options(impl->options, address), *impl->handler));
  measure(impl->server, *impl->metrics);
  if (!impl->options.admin.empty()) {
    COFFER_ASSIGN(const Address admin_address, parse_address(impl->options.admin));
    impl->admin_handler = std::make_unique<gateway::AdminHandler>(
        *impl->metrics, [&vault] { return vault.objects().buckets().has_value(); });
    COFFER_ASSIGN(impl->admin,
                  gateway::Server::start(admin_options(admin_address), *impl->admin_handler));
  }
  if (!vault.read_only()) impl->lifecycle->start();
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

std::string Gateway::local_endpoint() const { return impl_->server->local_endpoint(); }

std::string Gateway::admin_endpoint() const {
  return impl_->admin ? impl_->admin->local_endpoint() : std::string();
}

void Gateway::stop() {
  impl_->lifecycle->stop();
  impl_->server->stop();
  if (impl_->admin) impl_->admin->stop();
}

}  // namespace coffer
