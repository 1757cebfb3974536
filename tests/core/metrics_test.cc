#include "coffer/core/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace coffer {
namespace {
using ::testing::HasSubstr;

TEST(Registry, RendersTheTextFormat) {
  Registry registry;
  registry.counter("coffer_bytes_total", "Bytes moved.", {{"door", "s3"}, {"way", "in"}}).add(42);
  registry.gauge("coffer_volumes", "Volumes\nthat answer.").set(-3);
  EXPECT_EQ(registry.render(),
            "# HELP coffer_bytes_total Bytes moved.\n"
            "# TYPE coffer_bytes_total counter\n"
            "coffer_bytes_total{door=\"s3\",way=\"in\"} 42\n"
            "# HELP coffer_volumes Volumes\\nthat answer.\n"
            "# TYPE coffer_volumes gauge\n"
            "coffer_volumes -3\n");
}

TEST(Registry, RendersHistogramsCumulatively) {
  Registry registry;
  Histogram& histogram = registry.histogram("coffer_seconds", "Time.", {{"op", "get"}}, {0.1, 0.5});
  histogram.observe(0.1);  // a bound belongs to its own bucket
  histogram.observe(0.25);
  histogram.observe(2);
  EXPECT_THAT(registry.render(), HasSubstr("coffer_seconds_bucket{op=\"get\",le=\"0.1\"} 1\n"
                                           "coffer_seconds_bucket{op=\"get\",le=\"0.5\"} 2\n"
                                           "coffer_seconds_bucket{op=\"get\",le=\"+Inf\"} 3\n"
                                           "coffer_seconds_sum{op=\"get\"} 2.35\n"
                                           "coffer_seconds_count{op=\"get\"} 3\n"));
}

TEST(Registry, EscapesLabelValues) {
  Registry registry;
  registry.counter("c", "h", {{"path", "a\"b\\c\nd"}}).add();
  EXPECT_THAT(registry.render(), HasSubstr("c{path=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Registry, GivesTheSameMetricForTheSameNameAndLabels) {
  Registry registry;
  Counter& first = registry.counter("c", "h", {{"a", "1"}});
  Counter& other = registry.counter("c", "h", {{"a", "2"}});
  EXPECT_EQ(&first, &registry.counter("c", "h", {{"a", "1"}}));
  EXPECT_NE(&first, &other);
}

TEST(Registry, AsksForValuesThatOthersKeep) {
  Registry registry;
  double depth = 1;
  registry.gauge_from("depth", "h", {}, [&depth] { return depth; });
  registry.counter_from("seen_total", "h", {}, [] { return 1e15; });
  depth = 2.5;
  EXPECT_THAT(registry.render(), HasSubstr("\ndepth 2.5\n"));
  EXPECT_THAT(registry.render(), HasSubstr("\nseen_total 1e+15\n"));
}

TEST(Registry, CountsEveryUpdateOfManyThreads) {
  Registry registry;
  Counter& counter = registry.counter("c", "h");
  Histogram& histogram = registry.histogram("t", "h", {}, {1});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10'000; ++round) {
        counter.add();
        histogram.observe(0.5);
        if (round % 1000 == 0) (void)registry.render();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 40'000U);
  EXPECT_EQ(histogram.count(), 40'000U);
  EXPECT_EQ(histogram.sum(), 20'000);
}

TEST(LatencyTimer, ObservesOnceWhenItEnds) {
  Histogram histogram(latency_bounds());
  { const LatencyTimer timer(histogram); }
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_GE(histogram.sum(), 0);
}

}  // namespace
}  // namespace coffer
