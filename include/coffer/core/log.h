#pragma once
/// The process's log: log_info("opened {} of {} volumes", n, total).
///
/// Each "{}" is replaced by the next argument; there are no other format rules. Never pass a key, a
/// passphrase, a plaintext file name or file content.
///
/// Owns      one sink for the process: stderr until log_open() chooses another. A library of the
///           vault may log without being handed anything.
/// Threads   everything from any thread; lines never interleave. After a fork only the child that
///           logs may call log_open().
/// Errors    log_open: what errno says of the file. A line that cannot be written is dropped.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "coffer/core/error.h"

namespace coffer {

enum class LogLevel { Debug, Info, Warning, Error, Off };

struct LogOptions {
  LogLevel level = LogLevel::Info;
  std::string file;  // appended to, made with mode 0600; empty: stderr
};

Result<void> log_open(const LogOptions& options);
/// "debug", "info", "warning", "error", "off".
Result<LogLevel> parse_log_level(std::string_view word);
[[nodiscard]] bool log_enabled(LogLevel level);
/// Writes out what is buffered; before _exit or a crash on purpose.
void log_flush();

/// One argument of a log line; refers to its text, so it lives no longer than the call.
class LogArgument {
 public:
  // NOLINTBEGIN(google-explicit-constructor): an argument is passed as itself
  template <std::signed_integral T>
  LogArgument(T value) : kind_(Kind::Signed), signed_(value) {}
  template <std::unsigned_integral T>
  LogArgument(T value) : kind_(Kind::Unsigned), unsigned_(value) {}
  template <std::floating_point T>
  LogArgument(T value) : kind_(Kind::Floating), floating_(value) {}
  template <typename T>
  requires std::convertible_to<const T&, std::string_view> LogArgument(const T& text)
      : kind_(Kind::Text), text_(text) {}
  template <typename T>
  requires requires(const T& id) {
    { id.value() } -> std::integral;
  }
  LogArgument(const T& id) : LogArgument(id.value()) {}
  LogArgument(bool value) : kind_(Kind::Text), text_(value ? "true" : "false") {}
  LogArgument(Errc code) : kind_(Kind::Text), text_(to_string(code)) {}
  // NOLINTEND(google-explicit-constructor)

  void append_to(std::string& out) const;

 private:
  enum class Kind { Signed, Unsigned, Floating, Text };
  Kind kind_;
  union {
    std::int64_t signed_;
    std::uint64_t unsigned_;
    double floating_;
    std::string_view text_;
  };
};

void log_write(LogLevel level, std::string_view format,
               std::initializer_list<LogArgument> arguments);

template <typename... Args>
void log_debug(std::string_view format, const Args&... args) {
  if (log_enabled(LogLevel::Debug)) log_write(LogLevel::Debug, format, {LogArgument(args)...});
}
template <typename... Args>
void log_info(std::string_view format, const Args&... args) {
  log_write(LogLevel::Info, format, {LogArgument(args)...});
}
template <typename... Args>
void log_warning(std::string_view format, const Args&... args) {
  log_write(LogLevel::Warning, format, {LogArgument(args)...});
}
template <typename... Args>
void log_error(std::string_view format, const Args&... args) {
  log_write(LogLevel::Error, format, {LogArgument(args)...});
}

}  // namespace coffer
