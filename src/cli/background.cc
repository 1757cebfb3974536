#include "cli/background.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/line_socket.h"
#include "coffer/core/log.h"

namespace coffer::cli {
namespace {

void print(const std::string& text) {
  if (text.empty()) return;
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void write_line(int fd, const nlohmann::json& value) {
  const std::string line = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t wrote = ::write(fd, line.data() + done, line.size() - done);
    if (wrote < 0 && errno != EINTR) return;  // the parent was killed; the daemon goes on
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 1024> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void let_go_of_the_terminal() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
  if (::chdir("/") != 0) log_warning("the working directory stays in use");
}

/// What the shell had open for itself would stay open, and locked, as long as the vault is mounted. Our own is close-on-exec.
void close_inherited() {
  std::vector<int> inherited;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    const int flags = ::fcntl(fd, F_GETFD);
    if (fd > STDERR_FILENO && flags >= 0 && (flags & FD_CLOEXEC) == 0) inherited.push_back(fd);
  }
  for (const int fd : inherited) ::close(fd);
}

[[noreturn]] void run_child(int report, const DaemonBody& body) {
  close_inherited();
  ::umask(077);
  bool told = false;
  const Ready ready = [&](const std::string& text) {
    if (std::exchange(told, true)) return;
    // Not before the mount answers: autofs lets the process group that it started for the mount look at the place, and makes all others wait.
    ::setsid();
    let_go_of_the_terminal();
    write_line(report, {{"ready", text}});
    ::close(report);
  };
  ExitCode code = ExitCode::Io;
  auto outcome = body(ready);
  if (outcome) code = *outcome;
  if (!outcome) {
    code = exit_code(outcome.error().code);
    if (told)
      log_error("{}", outcome.error().context);
    else
      write_line(report, to_json(outcome.error()));
  }
  log_flush();
  ::_exit(static_cast<int>(code));
}

Error end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string how = WIFSIGNALED(status) ? ::sigdescr_np(WTERMSIG(status))
                                              : "code " + std::to_string(WEXITSTATUS(status));
  return {Errc::Io, "the daemon ended before it was ready (" + how + ")"};
}

}  // namespace

Result<ExitCode> run_in_foreground(const DaemonBody& body) { return body(print); }

Result<ExitCode> run_in_background(const DaemonBody& body) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error(errno, "fork"));
  if (child == 0) {
    ::close(ends[0]);
    run_child(ends[1], body);
  }
  ::close(ends[1]);
  const std::string report = read_all(ends[0]);
  ::close(ends[0]);
  const auto value = nlohmann::json::parse(report, nullptr, false);
  if (value.is_discarded()) return fail(end_of(child));
  if (value.contains("error")) {
    (void)end_of(child);
    return fail(error_from_json(value));
  }
  print(value.value("ready", ""));
  return ExitCode::Ok;
}

}  // namespace coffer::cli
