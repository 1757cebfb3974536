#pragma once
/// Registry, Counter, Gauge, Histogram: what the daemon measures of itself, and its text form.
///
/// Format    Prometheus text exposition 0.0.4,
///           https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
/// Owns      the Registry owns every metric; a reference stays good as long as the Registry lives.
/// Threads   updates are lock-free, from any thread. Creating and rendering take a lock; create at
///           start and keep the reference.
/// Errors    none. A name is asked for again with the same labels: the same metric. One name has
///           one kind (another one is a bug, asserted).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/core/mutex.h"
#include "coffer/core/unique_function.h"

namespace coffer {

/// Only goes up.
class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Counts observations by upper bound. Sum, count and buckets are each exact, but a concurrent
/// reader may see them one observation apart.
class Histogram {
 public:
  /// @pre bounds ascend strictly
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  [[nodiscard]] std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  [[nodiscard]] double sum() const { return sum_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }
  /// Observations in (bounds[index-1], bounds[index]]; index == bounds.size(): above all of them.
  [[nodiscard]] std::uint64_t in_bucket(std::size_t index) const {
    return buckets_[index].load(std::memory_order_relaxed);
  }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> buckets_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<double> sum_{0};
};

/// 50 µs to 30 s, for requests and I/O, in seconds.
std::vector<double> latency_bounds();

/// Observes the seconds between its construction and its end.
class LatencyTimer {
 public:
  explicit LatencyTimer(Histogram& histogram);
  ~LatencyTimer();
  LatencyTimer(const LatencyTimer&) = delete;
  LatencyTimer& operator=(const LatencyTimer&) = delete;

 private:
  Histogram& histogram_;
  const std::int64_t start_ns_;
};

class Registry {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, Labels labels = {})
      EXCLUDES(mutex_);
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {}) EXCLUDES(mutex_);
  Histogram& histogram(std::string_view name, std::string_view help, Labels labels = {},
                       std::vector<double> bounds = latency_bounds()) EXCLUDES(mutex_);
  /// A gauge whose value is asked for when rendering (a cache's size, a queue's depth). What `read`
  /// refers to must outlive the last render(); it runs under the registry's lock.
  void gauge_from(std::string_view name, std::string_view help, Labels labels,
                  UniqueFunction<double()> read) EXCLUDES(mutex_);
  /// As gauge_from, for a count that somebody else keeps and that only goes up.
  void counter_from(std::string_view name, std::string_view help, Labels labels,
                    UniqueFunction<double()> read) EXCLUDES(mutex_);

  /// All metrics, names in order, in the text format.
  [[nodiscard]] std::string render() EXCLUDES(mutex_);

 private:
  enum class Kind { Counter, Gauge, Histogram };
  struct Series;
  struct Family {
    Kind kind = Kind::Counter;
    std::string help;
    std::map<Labels, std::unique_ptr<Series>> series;
  };
  Series& series_of(std::string_view name, std::string_view help, Kind kind, Labels labels)
      REQUIRES(mutex_);
  static void render_series(std::string& out, std::string_view name, Kind kind,
                            const Labels& labels, Series& series);

  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ GUARDED_BY(mutex_);
};

}  // namespace coffer
