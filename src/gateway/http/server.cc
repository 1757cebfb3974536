#include "gateway/http/server.h"

#include <random>
#include <thread>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>

#include "coffer/core/log.h"
#include "gateway/http/connection.h"
#include "gateway/http/io_thread.h"
#include "gateway/http/server_state.h"

namespace coffer::gateway {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

ServerState::ServerState(const ServerOptions& server_options, Handler& request_handler)
    : options(server_options),
      handler(request_handler),
      buffers(std::size_t{32} << 20),
      // Each request that runs has at most two calls at the workers, so none is ever turned away
      // here.
      workers({"s3-work", server_options.workers, 2 * server_options.requests_max + 16}),
      committers({"s3-commit", server_options.committers, server_options.requests_max + 16}),
      connections(server_options.connections_max),
      requests(server_options.requests_max),
      windows(server_options.window_bytes_total),
      id_seed_((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()) {}

std::string ServerState::next_request_id() {
  // splitmix64: distinct for distinct counts, and not guessable as a sequence by eye.
  std::uint64_t x = id_seed_ + 0x9e3779b97f4a7c15ULL * id_count_.fetch_add(1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  x ^= x >> 31;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string id(16, '0');
  for (char& c : id) {
    c = kHex[x & 15];
    x >>= 4;
  }
  return id;
}

struct Server::Impl {
  Impl(const ServerOptions& options, Handler& handler) : state(options, handler) {}

  void accept();
  void accepted(const error_code& error, tcp::socket socket, IoThread& io);

  ServerState state;
  std::unique_ptr<asio::ssl::context> tls;
  std::vector<std::unique_ptr<IoThread>> io_threads;
  std::unique_ptr<tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> retry;
  std::size_t next_io = 0;
  std::string endpoint;
  bool stopped = false;
};

namespace {

Result<std::unique_ptr<asio::ssl::context>> load_tls(const ServerOptions& options) {
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fail(Errc::InvalidArgument, "TLS needs both a certificate and a key file");
  }
  if (options.tls_certificate.empty()) return std::unique_ptr<asio::ssl::context>();
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code error;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1,
                       error);
  if (!error) context->use_certificate_chain_file(options.tls_certificate, error);
  if (error) return fail(Errc::InvalidArgument, "TLS certificate: " + error.message());
  context->use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
  if (error) return fail(Errc::InvalidArgument, "TLS key: " + error.message());
  return context;
}

Result<std::unique_ptr<tcp::acceptor>> listen(const ServerOptions& options,
                                              asio::io_context& context) {
  error_code error;
  const asio::ip::address address =
      asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, error);
  if (error) return fail(Errc::InvalidArgument, "not an IP address to listen on: " + options.host);
  auto acceptor = std::make_unique<tcp::acceptor>(context);
  const tcp::endpoint endpoint(address, options.port);
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(1024, error);
  if (error) {
    const Errc code = error == asio::error::address_in_use ? Errc::Busy : Errc::Io;
    return fail(code, "listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                          error.message());
  }
  return acceptor;
}

std::string to_text(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint.port());
}

}  // namespace

void Server::Impl::accept() {
  IoThread& io = *io_threads[next_io++ % io_threads.size()];
  acceptor->async_accept(io.context(), [this, &io](const error_code& error, tcp::socket socket) {
    accepted(error, std::move(socket), io);
  });
}

void Server::Impl::accepted(const error_code& error, tcp::socket socket, IoThread& io) {
  if (state.draining.load()) return;
  if (error) {
    // Out of descriptors, most likely: going on at once would spin.
    log_warning("accept failed: {}", error.message());
    retry->expires_after(std::chrono::milliseconds(100));
    retry->async_wait([this](const error_code& cancelled) {
      if (!cancelled && !state.draining.load()) accept();
    });
    return;
  }
  if (state.connections.take(1)) {
    asio::post(io.context(), [this, &io, socket = std::move(socket)]() mutable {
      Connection::start(state, io, std::move(socket), tls.get());
    });
  } else {
    constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    error_code ignored;
    socket.non_blocking(true, ignored);
    if (!tls) socket.send(asio::buffer(kFull), 0, ignored);
  }
  accept();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler& handler) {
  auto impl = std::make_unique<Impl>(options, handler);
  COFFER_ASSIGN(impl->tls, load_tls(options));
  for (unsigned i = 0; i < std::max(1U, options.io_threads); ++i) {
    impl->io_threads.push_back(std::make_unique<IoThread>());
  }
  asio::io_context& first = impl->io_threads[0]->context();
  COFFER_ASSIGN(impl->acceptor, listen(options, first));
  impl->retry = std::make_unique<asio::steady_timer>(first);
  error_code ignored;
  impl->endpoint = to_text(impl->acceptor->local_endpoint(ignored));
  impl->accept();
  for (auto& io : impl->io_threads) io->start();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(); }

std::string Server::local_endpoint() const { return impl_->endpoint; }

ServerLoad Server::load() const {
  return {impl_->state.connections.used(), impl_->state.requests.used(),
          impl_->state.windows.used(),
          impl_->state.workers.queued() + impl_->state.committers.queued()};
}

void Server::stop() {
  if (std::exchange(impl_->stopped, true)) return;
  ServerState& state = impl_->state;
  state.draining = true;
  asio::post(impl_->io_threads[0]->context(), [this] {
    error_code ignored;
    impl_->acceptor->close(ignored);
    impl_->retry->cancel();
  });
  for (auto& io : impl_->io_threads) io->drain();
  const auto deadline = std::chrono::steady_clock::now() + state.options.drain_timeout;
  while (state.connections.used() > 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      for (auto& io : impl_->io_threads) io->close_all();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (auto& io : impl_->io_threads) io->finish();
  for (auto& io : impl_->io_threads) io->join();
  // What hangs on a context goes before it.
  impl_->acceptor.reset();
  impl_->retry.reset();
  impl_->io_threads.clear();
  state.workers.stop();
  state.committers.stop();
}

}  // namespace coffer::gateway
