#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "cli/status_report.h"

namespace coffer::cli {
namespace {

constexpr std::chrono::milliseconds kBarInterval{200};
constexpr std::chrono::seconds kLineInterval{10};

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string amount(double value, Progress::Unit unit) {
  if (unit == Progress::Unit::Bytes) return human_bytes(static_cast<std::uint64_t>(value));
  return std::to_string(static_cast<std::uint64_t>(value));
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%llu:%02llu:%02llu",
                static_cast<unsigned long long>(whole / 3600),
                static_cast<unsigned long long>(whole / 60 % 60),
                static_cast<unsigned long long>(whole % 60));
  return text.data();
}

}  // namespace

Progress::Progress(std::string doing, Unit unit)
    : doing_(std::move(doing)), unit_(unit), terminal_(::isatty(STDERR_FILENO) == 1) {
  next_ =
      start_ + (terminal_ ? std::chrono::milliseconds(500) : std::chrono::seconds(kLineInterval));
}

Progress::~Progress() {
  if (shown_ && terminal_) std::fputs("\r\033[K", stderr);
}

std::string Progress::bar(std::uint64_t done, std::uint64_t total, double seconds, Unit unit,
                          std::size_t columns) {
  const auto now = static_cast<double>(done);
  const double rate = seconds > 0 ? now / seconds : 0;
  std::string text = amount(now, unit);
  if (total == 0) return text + ", " + amount(rate, unit) + "/s";
  const double part = std::min(1.0, now / static_cast<double>(total));
  const double left =
      rate > 0 ? (static_cast<double>(total) - std::min(now, static_cast<double>(total))) / rate
               : 0;
  text = std::to_string(static_cast<int>(part * 100)) + "%  " + text + " of " +
         amount(static_cast<double>(total), unit) + "  " + amount(rate, unit) + "/s  " +
         duration(left) + " left";
  constexpr std::size_t kBarMin = 10;
  if (columns < text.size() + kBarMin + 3) return text;
  const std::size_t width = std::min<std::size_t>(40, columns - text.size() - 3);
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, ' ') + "] " + text;
}

void Progress::update(std::uint64_t done, std::uint64_t total) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + (terminal_ ? kBarInterval : std::chrono::milliseconds(kLineInterval));
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (terminal_) {
    const std::size_t columns = terminal_columns();
    const std::size_t room = columns > doing_.size() + 2 ? columns - doing_.size() - 2 : 0;
    std::fprintf(stderr, "\r\033[K%s %s", doing_.c_str(),
                 bar(done, total, seconds, unit_, room).c_str());
  } else {
    std::fprintf(stderr, "%s: %s\n", doing_.c_str(), bar(done, total, seconds, unit_, 0).c_str());
  }
  std::fflush(stderr);
}

}  // namespace coffer::cli
