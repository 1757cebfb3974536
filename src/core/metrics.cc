#include "coffer/core/metrics.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <chrono>
#include <cmath>

namespace coffer {
namespace {

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  const auto end = std::to_chars(std::begin(text), std::end(text), value);
  return {text, end.ptr};
}

// In help text: backslash and line feed; in a label's value the double quote as well.
std::string escaped(std::string_view text, std::string_view specials) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (specials.find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '\\';
      out += c == '\n' ? 'n' : c;
    }
  }
  return out;
}

std::string label_block(const Registry::Labels& labels, std::string_view bound = {}) {
  std::string out;
  const auto append = [&out](std::string_view name, std::string_view value) {
    out += out.empty() ? "{" : ",";
    out.append(name).append("=\"").append(escaped(value, "\\\"\n")).append("\"");
  };
  for (const auto& [name, value] : labels) append(name, value);
  if (!bound.empty()) append("le", bound);
  if (!out.empty()) out += "}";
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view value) {
  out.append(name).append(suffix).append(labels).append(" ").append(value).append("\n");
}

void render_histogram(std::string& out, std::string_view name, const Registry::Labels& labels,
                      const Histogram& histogram) {
  std::uint64_t below = 0;
  for (std::size_t index = 0; index < histogram.bounds().size(); ++index) {
    below += histogram.in_bucket(index);
    append_sample(out, name, "_bucket", label_block(labels, number(histogram.bounds()[index])),
                  std::to_string(below));
  }
  // The +Inf bucket and the count have to be equal, so both are the sum of what was just read.
  below += histogram.in_bucket(histogram.bounds().size());
  append_sample(out, name, "_bucket", label_block(labels, "+Inf"), std::to_string(below));
  append_sample(out, name, "_sum", label_block(labels), number(histogram.sum()));
  append_sample(out, name, "_count", label_block(labels), std::to_string(below));
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(bounds_.size() + 1) {
  assert(std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>()) ==
         bounds_.end());
}

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  buckets_[static_cast<std::size_t>(bound - bounds_.begin())].fetch_add(1,
                                                                        std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<double> latency_bounds() {
  return {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
          0.05,    0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30};
}

LatencyTimer::LatencyTimer(Histogram& histogram) : histogram_(histogram), start_ns_(steady_ns()) {}
LatencyTimer::~LatencyTimer() {
  histogram_.observe(static_cast<double>(steady_ns() - start_ns_) * 1e-9);
}

struct Registry::Series {
  Counter counter;
  Gauge gauge;
  std::unique_ptr<Histogram> histogram;
  UniqueFunction<double()> read;  // when set, the value comes from here
};

Registry::Registry() = default;
Registry::~Registry() = default;

Registry::Series& Registry::series_of(std::string_view name, std::string_view help, Kind kind,
                                      Labels labels) {
  auto family = families_.find(name);
  if (family == families_.end()) {
    family = families_.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
  }
  assert(family->second.kind == kind);
  std::unique_ptr<Series>& series = family->second.series[std::move(labels)];
  if (series == nullptr) series = std::make_unique<Series>();
  return *series;
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  MutexLock lock(mutex_);
  return series_of(name, help, Kind::Counter, std::move(labels)).counter;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  MutexLock lock(mutex_);
  return series_of(name, help, Kind::Gauge, std::move(labels)).gauge;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, Labels labels,
                               std::vector<double> bounds) {
  MutexLock lock(mutex_);
  Series& series = series_of(name, help, Kind::Histogram, std::move(labels));
  if (series.histogram == nullptr)
    series.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *series.histogram;
}

void Registry::gauge_from(std::string_view name, std::string_view help, Labels labels,
                          UniqueFunction<double()> read) {
  MutexLock lock(mutex_);
  series_of(name, help, Kind::Gauge, std::move(labels)).read = std::move(read);
}

void Registry::counter_from(std::string_view name, std::string_view help, Labels labels,
                            UniqueFunction<double()> read) {
  MutexLock lock(mutex_);
  series_of(name, help, Kind::Counter, std::move(labels)).read = std::move(read);
}

void Registry::render_series(std::string& out, std::string_view name, Kind kind,
                             const Labels& labels, Series& series) {
  if (kind == Kind::Histogram) return render_histogram(out, name, labels, *series.histogram);
  std::string value;
  if (series.read) {
    value = number(series.read());
  } else if (kind == Kind::Gauge) {
    value = std::to_string(series.gauge.value());
  } else {
    value = std::to_string(series.counter.value());
  }
  append_sample(out, name, "", label_block(labels), value);
}

std::string Registry::render() {
  constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};
  std::string out;
  MutexLock lock(mutex_);
  for (auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ").append(escaped(family.help, "\\\n"));
    out.append("\n# TYPE ").append(name).append(" ");
    out.append(kKindNames[static_cast<std::size_t>(family.kind)]).append("\n");
    for (auto& [labels, series] : family.series)
      render_series(out, name, family.kind, labels, *series);
  }
  return out;
}

}  // namespace coffer
