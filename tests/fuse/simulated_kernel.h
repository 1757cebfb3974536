#pragma once
/// SimulatedKernel: the other end of a Session's descriptor: sends requests as the kernel writes them and takes the replies.
///
/// Owns      a vault of its own in a directory of its own, the context and the session over it. Nothing is mounted.
/// Threads   call, send and forget from any thread; the rest from one.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "coffer/vault/vault.h"
#include "fuse/context.h"
#include "fuse/invalidator.h"
#include "fuse/operations.h"
#include "fuse/page_flusher.h"
#include "fuse/session.h"
#include "tests/support/temp_directory.h"

namespace coffer::fuse::testing {

template <typename Struct>
std::string bytes_of(const Struct& body) {
  return {reinterpret_cast<const char*>(&body), sizeof(body)};
}
inline std::string name_bytes(const std::string& name) { return name + '\0'; }

struct SimulatedReply {
  int error = 0;  // an errno
  std::string body;

  template <typename Struct>
  [[nodiscard]] Struct as() const {
    Struct out{};
    std::memcpy(&out, body.data(), std::min(sizeof(out), body.size()));
    return out;
  }
};

class SimulatedKernel {
 public:
  explicit SimulatedKernel(unsigned workers) {
    InitOptions init;
    init.volumes = {directory_.file("volume")};
    init.kdf_cost = kKdfCostMinimum;
    const Credential credential{SlotKind::Passphrase, SecretString("a test's passphrase")};
    EXPECT_TRUE(Vault::init(init, credential));
    OpenOptions open;
    open.volume = init.volumes.front();
    open.state_directory = directory_.file("state");
    vault_ = std::move(Vault::open(open, credential)).value();
    context_ = std::make_unique<Context>(*vault_);
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const int room = 8 << 20;  // a request of 1 MiB in one packet
    for (const int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    end_ = ends[1];
    session_ = std::move(Session::create(ends[0], operations(), *context_, workers)).value();
    invalidator_.emplace(vault_->changes(), *session_, context_->inodes);
    page_flusher_.emplace(*session_);
    context_->session = session_.get();
    context_->page_flusher = &*page_flusher_;
    context_->inodes.add_lookups(kRootInode);
    context_->tree.set_inode_users(context_.get());
    receiver_ = std::thread([this] { receive(); });
    send_init();
    EXPECT_TRUE(session_->start());
  }
  ~SimulatedKernel() {
    end();
    ::close(end_);
    context_->tree.set_inode_users(nullptr);
    session_.reset();
    context_.reset();
    EXPECT_TRUE(vault_->close());
  }
  SimulatedKernel(const SimulatedKernel&) = delete;
  SimulatedKernel& operator=(const SimulatedKernel&) = delete;

  /// A request and its reply.
  SimulatedReply call(std::uint32_t opcode, std::uint64_t node, const std::string& body) {
    const std::uint64_t unique = send(opcode, node, body);
    MutexLock lock(mutex_);
    while (!replies_.contains(unique)) arrived_.wait(lock);
    SimulatedReply reply = std::move(replies_.at(unique));
    replies_.erase(unique);
    return reply;
  }
  std::uint64_t send(std::uint32_t opcode, std::uint64_t node, const std::string& body) {
    const std::uint64_t unique = next_unique_.fetch_add(2);
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof(header) + body.size());
    header.opcode = opcode;
    header.unique = unique;
    header.nodeid = node;
    header.pid = 1;
    std::string packet = bytes_of(header) + body;
    EXPECT_EQ(::send(end_, packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
    return unique;
  }
  void forget(std::uint64_t node, std::uint64_t lookups) {
    send(FUSE_FORGET, node, bytes_of(fuse_forget_in{lookups}));
  }
  void forget_many(const std::map<std::uint64_t, std::uint64_t>& lookups) {
    std::string body =
        bytes_of(fuse_batch_forget_in{static_cast<std::uint32_t>(lookups.size()), 0});
    for (const auto& [node, count] : lookups) body += bytes_of(fuse_forget_one{node, count});
    send(FUSE_BATCH_FORGET, 0, body);
  }

  /// From now on no reply arrives; requests are still taken.
  void break_replies() { ::shutdown(end_, SHUT_RD); }
  /// The kernel is gone; returns when everything that it sent was worked off.
  void end() {
    if (ended_) return;
    ended_ = true;
    ::shutdown(end_, SHUT_WR);
    session_->join();
    ::shutdown(end_, SHUT_RD);
    receiver_.join();
    page_flusher_->stop();
    invalidator_->stop();
  }

  InodeTable& table() { return context_->inodes; }
  Tree& tree() { return context_->tree; }

 private:
  void send_init() {
    fuse_init_in init{};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.flags =
        FUSE_PARALLEL_DIROPS | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_BIG_WRITES;
    send(FUSE_INIT, 0, bytes_of(init));
  }
  void receive() {
    std::vector<char> packet(2 << 20);
    for (;;) {
      const ssize_t got = ::recv(end_, packet.data(), packet.size(), 0);
      if (got < static_cast<ssize_t>(sizeof(fuse_out_header))) return;
      fuse_out_header header;
      std::memcpy(&header, packet.data(), sizeof(header));
      if (header.unique == 0) continue;  // a notification
      MutexLock lock(mutex_);
      replies_[header.unique] = {-header.error,
                                 std::string(packet.data() + sizeof(header), packet.data() + got)};
      arrived_.notify_all();
    }
  }

  coffer::testing::TempDirectory directory_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<Session> session_;
  std::optional<Invalidator> invalidator_;
  std::optional<PageFlusher> page_flusher_;
  int end_ = -1;
  bool ended_ = false;
  std::atomic<std::uint64_t> next_unique_{2};
  std::thread receiver_;
  Mutex mutex_;
  CondVar arrived_;
  std::map<std::uint64_t, SimulatedReply> replies_;
};

}  // namespace coffer::fuse::testing
