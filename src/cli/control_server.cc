#include "cli/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <thread>
#include <utility>
#include <vector>

#include "cli/line_socket.h"
#include "cli/runtime_directory.h"
#include "coffer/core/thread_name.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kConnectionsMax = 32;
constexpr int kIdleMs = 60'000;

/// Only the daemon's user and root: the socket's mode says so as well.
bool is_trusted(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

struct ControlServer::Impl {
  struct Connection {
    std::thread thread;
    std::atomic<bool> done{false};
  };

  Handler handler;
  SecretHandler secret_handler;
  std::string path;
  ino_t inode = 0;  // of the socket's file
  int listener = -1;
  int door = -1;    // readable: accept no more
  int ending = -1;  // readable: idle connections end
  std::thread acceptor;
  std::list<Connection> connections;  // of the acceptor, and of the destructor after it

  ~Impl() {
    for (const int fd : {listener, door, ending})
      if (fd >= 0) ::close(fd);
  }

  Result<void> listen_on(const std::string& socket_path);
  void accept_connections();
  void serve(LineSocket socket);
  Result<nlohmann::json> answer(LineSocket& socket, const nlohmann::json& request);
  Result<nlohmann::json> answer_with_secrets(LineSocket& socket, const nlohmann::json& request);
  void forget_done_ones();
};

Result<void> ControlServer::Impl::listen_on(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return fail(Errc::NameTooLong, socket_path);
  socket_path.copy(address.sun_path, socket_path.size());
  door = ::eventfd(0, EFD_CLOEXEC);
  ending = ::eventfd(0, EFD_CLOEXEC);
  listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (door < 0 || ending < 0 || listener < 0) return fail(errno_error(errno, "control socket"));
  ::unlink(socket_path.c_str());
  // Its directory is private, so nobody can connect before the mode is right.
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(socket_path.c_str(), 0600) != 0 || ::listen(listener, 64) != 0)
    return fail(errno_error(errno, "control socket " + socket_path));
  struct stat made {};
  if (::stat(socket_path.c_str(), &made) != 0)
    return fail(errno_error(errno, "control socket " + socket_path));
  path = socket_path;
  inode = made.st_ino;
  return {};
}

void ControlServer::Impl::accept_connections() {
  name_this_thread("control");
  for (;;) {
    std::array<pollfd, 2> wait{{{door, POLLIN, 0}, {listener, POLLIN, 0}}};
    forget_done_ones();
    const bool full = connections.size() >= kConnectionsMax;
    // With all taken, look again in a moment: a thread that ends does not wake this one.
    if (::poll(wait.data(), full ? 1 : 2, full ? 50 : -1) < 0 && errno != EINTR) return;
    if (wait[0].revents != 0) return;
    if (full || wait[1].revents == 0) continue;
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    LineSocket socket(fd);
    if (!is_trusted(fd)) continue;
    Connection& connection = connections.emplace_back();
    connection.thread = std::thread([this, &connection, s = std::move(socket)]() mutable {
      name_this_thread("control");
      serve(std::move(s));
      connection.done = true;
    });
  }
}

Result<nlohmann::json> ControlServer::Impl::answer_with_secrets(LineSocket& socket,
                                                                const nlohmann::json& request) {
  const auto sizes = request.at("secrets").get<std::vector<std::size_t>>();
  const bool bounded = sizes.size() <= kSecretsMax && std::ranges::all_of(sizes, [](auto size) {
                         return size <= kSecretBytesMax;
                       });
  if (!bounded || !secret_handler) return fail(Errc::InvalidArgument, "secrets that nobody wants");
  COFFER_TRY(socket.send({{"send", "secrets"}}));
  std::vector<SecretString> secrets;
  for (const std::size_t size : sizes) {
    COFFER_ASSIGN(SecretString secret, socket.receive_secret(size, kIdleMs, ending));
    secrets.push_back(std::move(secret));
  }
  return secret_handler(request, secrets);
}

Result<nlohmann::json> ControlServer::Impl::answer(LineSocket& socket,
                                                   const nlohmann::json& request) {
  if (request.contains("secrets")) return answer_with_secrets(socket, request);
  const ReportProgress progress = [&socket](std::uint64_t done, std::uint64_t total) {
    return socket.send({{"progress", {{"done", done}, {"total", total}}}}).has_value();
  };
  return handler(request, progress);
}

void ControlServer::Impl::serve(LineSocket socket) {
  for (;;) {
    auto request = socket.receive(kIdleMs, ending);
    if (!request || !*request) return;
    Result<nlohmann::json> answered = fail(Errc::Io);
    try {
      answered = answer(socket, **request);
    } catch (const nlohmann::json::exception&) {
      answered = fail(Errc::InvalidArgument, "a request with a field missing");
    } catch (const std::bad_alloc&) {
      answered = fail(Errc::OutOfMemory);
    }
    if (!socket.send(answered ? nlohmann::json{{"ok", std::move(*answered)}}
                              : to_json(answered.error())))
      return;
  }
}

void ControlServer::Impl::forget_done_ones() {
  connections.remove_if([](Connection& connection) {
    if (!connection.done) return false;
    connection.thread.join();
    return true;
  });
}

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const Uuid& vault, Handler handler,
                                                            SecretHandler secret_handler) {
  COFFER_ASSIGN(const std::string directory, make_runtime_directory());
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  impl->secret_handler = std::move(secret_handler);
  COFFER_TRY(impl->listen_on(directory + "/" + socket_name(vault)));
  impl->acceptor = std::thread([raw = impl.get()] { raw->accept_connections(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

void ControlServer::close_door() {
  if (!impl_->acceptor.joinable()) return;
  ::eventfd_write(impl_->door, 1);
  impl_->acceptor.join();
  struct stat there {};
  if (::stat(impl_->path.c_str(), &there) == 0 && there.st_ino == impl_->inode)
    ::unlink(impl_->path.c_str());
}

ControlServer::~ControlServer() {
  close_door();
  ::eventfd_write(impl_->ending, 1);
  for (Impl::Connection& connection : impl_->connections) connection.thread.join();
}

}  // namespace coffer::cli
