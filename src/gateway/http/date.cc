#include "gateway/http/date.h"

#include <array>
#include <ctime>

namespace coffer::gateway {
namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads a date from left to right; after the first mismatch everything fails.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    if (text_.size() < count) return failed();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = text_[i];
      if (c < '0' || c > '9') return failed();
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  /// A day of the month that asctime pads with a space.
  int padded_day() {
    if (text_.starts_with(' ')) {
      text_.remove_prefix(1);
      return digits(1);
    }
    return digits(2);
  }
  int month() {
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (!text_.starts_with(kMonths[i])) continue;
      text_.remove_prefix(3);
      return static_cast<int>(i) + 1;
    }
    return failed();
  }
  void expect(std::string_view literal) {
    if (!text_.starts_with(literal)) {
      failed();
      return;
    }
    text_.remove_prefix(literal.size());
  }
  void skip_day_name() {
    std::size_t letters = 0;
    while (letters < text_.size() && text_[letters] >= 'A' && text_[letters] <= 'z') ++letters;
    if (letters < 3) {
      failed();
      return;
    }
    text_.remove_prefix(letters);
  }
  void skip_fraction() {
    if (!text_.starts_with('.')) return;
    text_.remove_prefix(1);
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') text_.remove_prefix(1);
  }
  [[nodiscard]] bool starts_with(std::string_view literal) const {
    return text_.starts_with(literal);
  }
  [[nodiscard]] bool done() const { return ok_ && text_.empty(); }

 private:
  int failed() {
    ok_ = false;
    text_ = {};
    return 0;
  }
  std::string_view text_;
  bool ok_ = true;
};

struct Civil {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<std::int64_t> to_seconds(const Civil& c) {
  if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31 || c.hour > 23 || c.minute > 59 ||
      c.second > 60 || c.year < 1) {
    return std::nullopt;
  }
  std::tm tm{};
  tm.tm_year = c.year - 1900;
  tm.tm_mon = c.month - 1;
  tm.tm_mday = c.day;
  tm.tm_hour = c.hour;
  tm.tm_min = c.minute;
  tm.tm_sec = c.second;
  return static_cast<std::int64_t>(timegm(&tm));
}

std::tm to_civil(std::int64_t seconds) {
  std::tm tm{};
  const auto t = static_cast<std::time_t>(seconds);
  gmtime_r(&t, &tm);
  return tm;
}

void read_clock(DateReader& in, Civil& c) {
  c.hour = in.digits(2);
  in.expect(":");
  c.minute = in.digits(2);
  in.expect(":");
  c.second = in.digits(2);
}

}  // namespace

std::string format_http_date(std::int64_t seconds) {
  const std::tm tm = to_civil(seconds);
  char out[64];
  const int n = std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                              kDays[static_cast<std::size_t>(tm.tm_wday)], tm.tm_mday,
                              kMonths[static_cast<std::size_t>(tm.tm_mon)], tm.tm_year + 1900,
                              tm.tm_hour, tm.tm_min, tm.tm_sec);
  return {out, static_cast<std::size_t>(n)};
}

std::string format_iso_date(std::int64_t seconds, std::uint32_t milliseconds) {
  const std::tm tm = to_civil(seconds);
  char out[64];
  const int n = std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ",
                              tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                              tm.tm_sec, milliseconds % 1000);
  return {out, static_cast<std::size_t>(n)};
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  DateReader in(text);
  Civil c;
  in.skip_day_name();
  if (in.starts_with(", ")) {
    in.expect(", ");
    c.day = in.digits(2);
    const bool dashes = in.starts_with("-");  // RFC 850
    in.expect(dashes ? "-" : " ");
    c.month = in.month();
    in.expect(dashes ? "-" : " ");
    c.year = in.digits(dashes ? 2 : 4);
    if (dashes) c.year += c.year < 70 ? 2000 : 1900;
    in.expect(" ");
    read_clock(in, c);
    if (in.starts_with(" GMT")) {
      in.expect(" GMT");
    } else {
      in.expect(in.starts_with(" +0000") ? " +0000" : " UTC");
    }
  } else {
    in.expect(" ");
    c.month = in.month();
    in.expect(" ");
    c.day = in.padded_day();
    in.expect(" ");
    read_clock(in, c);
    in.expect(" ");
    c.year = in.digits(4);
  }
  return in.done() ? to_seconds(c) : std::nullopt;
}

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  DateReader in(text);
  Civil c;
  c.year = in.digits(4);
  c.month = in.digits(2);
  c.day = in.digits(2);
  in.expect("T");
  c.hour = in.digits(2);
  c.minute = in.digits(2);
  c.second = in.digits(2);
  in.expect("Z");
  return in.done() ? to_seconds(c) : std::nullopt;
}

std::optional<std::int64_t> parse_iso_date(std::string_view text) {
  DateReader in(text);
  Civil c;
  c.year = in.digits(4);
  in.expect("-");
  c.month = in.digits(2);
  in.expect("-");
  c.day = in.digits(2);
  in.expect("T");
  read_clock(in, c);
  in.skip_fraction();
  in.expect("Z");
  return in.done() ? to_seconds(c) : std::nullopt;
}

}  // namespace coffer::gateway
