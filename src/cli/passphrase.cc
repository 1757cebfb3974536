#include "cli/passphrase.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

namespace coffer::cli {
namespace {

constexpr std::size_t kSecretBytesMax = std::size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

enum class Until { FirstLine, End };

/// The bytes pass through one small buffer, which is wiped.
Result<SecretString> read_secret(int fd, Until until, const std::string& from) {
  SecretString secret;
  std::array<char, 256> buffer;
  Result<void> outcome;
  for (bool more = true; more;) {
    // One byte at a time from a terminal or pipe would be kinder to what follows, but nothing does.
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) outcome = fail(errno_error(errno, "read " + from));
    if (got <= 0) break;
    std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    if (const std::size_t end = text.find('\n');
        until == Until::FirstLine && end != std::string_view::npos) {
      text = text.substr(0, end);
      more = false;
    }
    if (secret.size() + text.size() > kSecretBytesMax) {
      outcome = fail(Errc::TooLarge, from + " is longer than 1 MiB");
      break;
    }
    secret.append(text);
  }
  ::explicit_bzero(buffer.data(), buffer.size());
  if (!outcome) return fail(outcome.error());
  if (secret.empty()) return fail(Errc::InvalidArgument, from + ": the passphrase or key is empty");
  return secret;
}

Result<SecretString> from_file(const std::string& path, Until until) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(errno_error(errno, "open " + path));
  return read_secret(file.get(), until, path);
}

Result<SecretString> from_command(const std::string& command) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error(errno, "pipe"));
  const Descriptor reading(ends[0]);
  std::optional<Descriptor> writing(std::in_place, ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writing->get(), STDOUT_FILENO);
  std::array<const char*, 4> arguments{"/bin/sh", "-c", command.c_str(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, "/bin/sh", &actions, nullptr,
                                   const_cast<char* const*>(arguments.data()), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  writing.reset();
  if (failed != 0) return fail(errno_error(failed, "run /bin/sh"));
  auto secret = read_secret(reading.get(), Until::FirstLine, "--passcommand");
  std::array<char, 256> rest;  // so that the command does not die of a full or broken pipe
  while (::read(reading.get(), rest.data(), rest.size()) > 0) {
  }
  ::explicit_bzero(rest.data(), rest.size());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Errc::InvalidArgument, "--passcommand failed");
  return secret;
}

// What a signal during the question needs to put the terminal right again.
volatile sig_atomic_t quiet_terminal = -1;
termios loud_settings;  // NOLINT: only written while quiet_terminal is -1

extern "C" void restore_terminal(int signal) {
  if (quiet_terminal >= 0) ::tcsetattr(quiet_terminal, TCSAFLUSH, &loud_settings);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// Echo is off as long as this lives, also if a signal ends the process.
class QuietTerminal {
 public:
  explicit QuietTerminal(int terminal) : terminal_(terminal) {
    ::tcgetattr(terminal, &loud_settings);
    quiet_terminal = terminal;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action {};
      action.sa_handler = restore_terminal;
      ::sigaction(kSignals[i], &action, &before_[i]);
    }
    termios quiet = loud_settings;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    ::tcsetattr(terminal, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    ::tcsetattr(terminal_, TCSAFLUSH, &loud_settings);
    quiet_terminal = -1;
    for (std::size_t i = 0; i < kSignals.size(); ++i)
      ::sigaction(kSignals[i], &before_[i], nullptr);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  int terminal_;
  std::array<struct sigaction, kSignals.size()> before_;
};

Result<SecretString> ask(int terminal, std::string_view question) {
  if (::write(terminal, question.data(), question.size()) < 0)
    return fail(errno_error(errno, "write to the terminal"));
  const QuietTerminal quiet(terminal);
  return read_secret(terminal, Until::FirstLine, "the terminal");
}

Result<SecretString> from_terminal(Ask how, SlotKind kind) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  const std::string what(to_string(kind));
  if (terminal.get() < 0) {
    return fail(Errc::InvalidArgument,
                "no terminal to ask for the " + what +
                    (kind == SlotKind::Recovery ? ": give --recovery-key-file"
                                                : ": give --passfile, --passcommand or --keyfile"));
  }
  if (kind == SlotKind::Recovery) return ask(terminal.get(), "Recovery key: ");
  COFFER_ASSIGN(SecretString first,
                ask(terminal.get(), how == Ask::New ? "New passphrase: " : "Passphrase: "));
  if (how != Ask::Once) {
    COFFER_ASSIGN(const SecretString second, ask(terminal.get(), "Again: "));
    if (first.view() != second.view())
      return fail(Errc::InvalidArgument, "the two passphrases differ: try again");
  }
  return first;
}

}  // namespace

Result<Credential> read_credential(const CredentialSource& source, Ask ask) {
  Credential credential;
  if (!source.keyfile.empty()) {
    credential.kind = SlotKind::KeyFile;
    COFFER_ASSIGN(credential.secret, from_file(source.keyfile, Until::End));
  } else if (!source.recovery_key_file.empty()) {
    credential.kind = SlotKind::Recovery;
    COFFER_ASSIGN(credential.secret, from_file(source.recovery_key_file, Until::FirstLine));
  } else if (!source.passfile.empty()) {
    COFFER_ASSIGN(credential.secret, from_file(source.passfile, Until::FirstLine));
  } else if (!source.passcommand.empty()) {
    COFFER_ASSIGN(credential.secret, from_command(source.passcommand));
  } else {
    if (source.recovery_key) credential.kind = SlotKind::Recovery;
    COFFER_ASSIGN(credential.secret, from_terminal(ask, credential.kind));
  }
  return credential;
}

Result<bool> confirm(const std::string& question, const std::string& instead) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (terminal.get() < 0)
    return fail(Errc::InvalidArgument, "no terminal to ask for a confirmation: " + instead);
  const std::string whole = question + " [yes/no] ";
  if (::write(terminal.get(), whole.data(), whole.size()) < 0)
    return fail(errno_error(errno, "write to the terminal"));
  std::array<char, 64> answer;
  const ssize_t got = ::read(terminal.get(), answer.data(), answer.size());
  const std::string_view text(answer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  return text == "yes\n" || text == "yes\r\n";
}

}  // namespace coffer::cli
