#include "cli/line_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "cli/exit_code.h"

namespace coffer::cli {
namespace {

constexpr std::size_t kLineBytesMax = std::size_t{64} << 20;  // an fsck report may be long

Result<void> wait_readable(int descriptor, int timeout_ms, int interrupt) {
  std::array<pollfd, 2> wait{{{descriptor, POLLIN, 0}, {interrupt, POLLIN, 0}}};
  for (;;) {
    const int ready = ::poll(wait.data(), interrupt < 0 ? 1 : 2, timeout_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail(errno_error(errno, "poll"));
    if (ready == 0) return fail(Errc::TimedOut, "no answer in time");
    if (wait[0].revents != 0) return {};
    return fail(Errc::Cancelled, "the daemon is stopping");
  }
}

}  // namespace

LineSocket::~LineSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

LineSocket::LineSocket(LineSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), pending_(std::move(other.pending_)) {}

Result<LineSocket> LineSocket::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Errc::NameTooLong, path);
  path.copy(address.sun_path, path.size());
  LineSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.descriptor_ < 0) return fail(errno_error(errno, "socket"));
  if (::connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
      0)
    return fail(errno_error(errno, "connect to " + path));
  return socket;
}

Result<std::uint32_t> LineSocket::peer_user() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor_, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail(errno_error(errno, "the other end of a control socket"));
  return peer.uid;
}

Result<void> LineSocket::send_all(std::string_view bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t wrote =
        ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail(errno_error(errno, "send to the other end"));
    sent += static_cast<std::size_t>(wrote);
  }
  return {};
}

Result<void> LineSocket::send(const nlohmann::json& value) {
  return send_all(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Result<void> LineSocket::send_secret(const SecretString& secret) { return send_all(secret.view()); }

Result<SecretString> LineSocket::receive_secret(std::size_t size, int timeout_ms, int interrupt) {
  if (!pending_.empty()) return fail(Errc::Corrupt, "the other end spoke before it was asked");
  SecretString secret;
  secret.resize(size);
  for (std::size_t received = 0; received < size;) {
    COFFER_TRY(wait_readable(descriptor_, timeout_ms, interrupt));
    const MutableBytes rest = secret.mutable_bytes().subspan(received);
    const ssize_t got = ::recv(descriptor_, rest.data(), rest.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "receive from the other end"));
    if (got == 0) return fail(Errc::Io, "the other end closed");
    received += static_cast<std::size_t>(got);
  }
  return secret;
}

Result<std::optional<nlohmann::json>> LineSocket::receive(int timeout_ms, int interrupt) {
  for (;;) {
    if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
      auto value = nlohmann::json::parse(
          pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      pending_.erase(0, end + 1);
      if (value.is_discarded() || !value.is_object())
        return fail(Errc::Corrupt, "the other end does not speak the control protocol");
      return std::optional(std::move(value));
    }
    if (pending_.size() > kLineBytesMax) return fail(Errc::Corrupt, "a control line is too long");
    COFFER_TRY(wait_readable(descriptor_, timeout_ms, interrupt));
    std::array<char, 4096> buffer;
    const ssize_t got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "receive from the other end"));
    if (got == 0) return std::optional<nlohmann::json>();
    pending_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

nlohmann::json to_json(const Error& error) {
  return {{"error", {{"code", to_string(error.code)}, {"message", error.context}}}};
}

Error error_from_json(const nlohmann::json& value) {
  const auto& error = value.at("error");
  return {errc_from_word(error.value("code", "Io")), error.value("message", "")};
}

}  // namespace coffer::cli
