#include "coffer/core/log.h"

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <memory>

#include "coffer/core/mutex.h"

namespace coffer {
namespace {

struct ProcessLog {
  std::atomic<LogLevel> level{LogLevel::Info};
  Mutex mutex;
  std::shared_ptr<spdlog::logger> logger GUARDED_BY(mutex);
};

std::shared_ptr<spdlog::logger> make_logger(spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>("coffer", std::move(sink));
  logger->set_level(spdlog::level::trace);  // LogLevel decides before spdlog sees the line
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  return logger;
}

// Never destroyed: what logs while the process ends must still find it.
ProcessLog& process_log() {
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
  static ProcessLog* const log = [] {
    auto* made = new ProcessLog;
    MutexLock lock(made->mutex);
    made->logger = make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return made;
  }();
  return *log;
}

std::shared_ptr<spdlog::logger> current_logger() {
  ProcessLog& log = process_log();
  MutexLock lock(log.mutex);
  return log.logger;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
    case LogLevel::Off:
      return spdlog::level::off;
  }
  __builtin_unreachable();
}

// Text may come from the network: a line feed in it must not look like a line of ours.
void append_text(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
}

template <typename Number>
void append_number(std::string& out, Number value) {
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value);
  out.append(text, end.ptr);
}

Result<spdlog::sink_ptr> file_sink(const std::string& path) {
  // spdlog makes files with the umask's mode; ours come into being readable by the owner alone.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return fail(errno_error(errno, "open log file " + path));
  ::close(fd);
  try {
    return spdlog::sink_ptr(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path));
  } catch (const spdlog::spdlog_ex& error) {
    return fail(Errc::Io, error.what());
  }
}

}  // namespace

Result<void> log_open(const LogOptions& options) {
  spdlog::sink_ptr sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  if (!options.file.empty()) {
    COFFER_ASSIGN(sink, file_sink(options.file));
  }
  auto logger = make_logger(std::move(sink));
  ProcessLog& log = process_log();
  MutexLock lock(log.mutex);
  log.logger.swap(logger);
  log.level.store(options.level, std::memory_order_relaxed);
  return {};
}

Result<LogLevel> parse_log_level(std::string_view word) {
  if (word == "debug") return LogLevel::Debug;
  if (word == "info") return LogLevel::Info;
  if (word == "warning") return LogLevel::Warning;
  if (word == "error") return LogLevel::Error;
  if (word == "off") return LogLevel::Off;
  return fail(Errc::InvalidArgument,
              "log level '" + std::string(word) + "': use debug, info, warning, error or off");
}

bool log_enabled(LogLevel level) {
  return level >= process_log().level.load(std::memory_order_relaxed);
}

void log_flush() { current_logger()->flush(); }

void LogArgument::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::Signed:
      return append_number(out, signed_);
    case Kind::Unsigned:
      return append_number(out, unsigned_);
    case Kind::Floating:
      return append_number(out, floating_);
    case Kind::Text:
      return append_text(out, text_);
  }
  __builtin_unreachable();
}

void log_write(LogLevel level, std::string_view format,
               std::initializer_list<LogArgument> arguments) {
  if (!log_enabled(level)) return;
  std::string line;
  const LogArgument* argument = arguments.begin();
  while (true) {
    const std::size_t place =
        argument == arguments.end() ? std::string_view::npos : format.find("{}");
    line.append(format.substr(0, place));
    if (place == std::string_view::npos) break;
    (argument++)->append_to(line);
    format.remove_prefix(place + 2);
  }
  current_logger()->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace coffer
