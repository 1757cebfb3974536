#include "fuse/fusermount.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "coffer/core/log.h"

namespace coffer::fuse {
namespace {

constexpr const char* kProgram = "fusermount3";
constexpr std::size_t kComplaintBytesMax = 4096;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Ended {
  bool well;              // exit code 0
  std::string complaint;  // what it wrote to its standard error
};

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 512> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    if (text.size() < kComplaintBytesMax) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

/// `channel`: a socket that it inherits, named in _FUSE_COMMFD; -1: none.
Result<Ended> run(std::vector<std::string> arguments, int channel) {
  COFFER_ASSIGN(const std::string program, find_fusermount());
  std::array<int, 2> pipe_ends;
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  const Descriptor reading(pipe_ends[0]);
  Descriptor writing(pipe_ends[1]);

  arguments.insert(arguments.begin(), kProgram);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  std::string announced = "_FUSE_COMMFD=" + std::to_string(channel);
  std::vector<char*> environment;
  if (channel >= 0)
    environment.push_back(announced.data());  // first, so that it is the one that counts
  for (char** at = environ; *at != nullptr; ++at) environment.push_back(*at);
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDERR_FILENO);
  // Onto itself: takes the close-on-exec flag off in the child.
  if (channel >= 0) ::posix_spawn_file_actions_adddup2(&actions, channel, channel);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, program.c_str(), &actions, nullptr, words.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return fail(Errc::Io, errno_error(failed, "run " + program).context);
  writing.close();
  Ended ended{false, read_to_end(reading.get())};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ended.well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return ended;
}

/// The last line: it warns before it gives up.
std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) last = line;
  return last.empty() ? std::string(kProgram) + " failed and does not say why" : last;
}

Error to_error(const std::string& complaint) {
  const std::string line = last_line(complaint);
  const auto says = [&](const char* words) { return line.find(words) != std::string::npos; };
  if (says("Device or resource busy")) return {Errc::Busy, line};
  if (says("not owned by user") || says("no write access")) return {Errc::AccessDenied, line};
  return {Errc::Io, line};
}

/// The descriptor that came over the socket; -1: none.
int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (got <= 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return fd;
}

}  // namespace

Result<std::string> find_fusermount() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment
  const char* path = std::getenv("PATH");
  std::istringstream directories(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::string program = directory + "/" + kProgram;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return fail(Errc::Io, "fusermount3 is not there: install the package fuse3, or mount it as root");
}

Result<int> fusermount_attach(const std::string& mountpoint, const std::string& options) {
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(errno_error(errno, "socketpair"));
  const Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  COFFER_ASSIGN(const Ended ended, run({"-o", options, "--", mountpoint}, theirs.get()));
  if (!ended.well) return fail(to_error(ended.complaint));
  if (!ended.complaint.empty()) log_warning("{}", last_line(ended.complaint));
  theirs.close();  // so that there is an end to wait for
  const int fd = receive_descriptor(ours.get());
  if (fd < 0) return fail(Errc::Io, "fusermount3 gave no connection");
  return fd;
}

Result<void> fusermount_detach(const std::string& mountpoint, Detach how) {
  COFFER_ASSIGN(const Ended ended,
                run({how == Detach::Lazily ? "-uz" : "-u", "--", mountpoint}, -1));
  if (!ended.well) return fail(to_error(ended.complaint));
  return {};
}

}  // namespace coffer::fuse
