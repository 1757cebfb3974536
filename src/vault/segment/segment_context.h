#pragma once
/// SegmentContext: what the parts of one SegmentStore share.
///
/// Threads   the members synchronise themselves.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "coffer/core/executor.h"
#include "coffer/core/mutex.h"
#include "vault/segment/failure_reports.h"
#include "vault/segment/segment_keys.h"
#include "vault/segment/segment_store_options.h"
#include "vault/segment/shard_files.h"

namespace coffer {

class SegmentWriter;

struct SegmentCounters {
  std::atomic<std::uint64_t> bytes_unsynced{0};
  std::atomic<std::uint64_t> shard_bytes_written{0};
  std::atomic<std::uint64_t> plain_bytes_appended{0};
  std::atomic<std::uint64_t> survivor_bytes_appended{0};
  std::atomic<std::uint64_t> syncs{0};
  std::atomic<std::uint64_t> cache_hits{0};
  std::atomic<std::uint64_t> cache_misses{0};
  std::atomic<std::uint64_t> rebuilt_reads{0};
  std::atomic<std::uint32_t> current_k{0};
  std::atomic<std::uint32_t> current_m{0};
};

struct SegmentContext {
  SegmentContext(SegmentStoreDeps the_deps, SegmentStoreOptions the_options)
      : deps(the_deps),
        options(std::move(the_options)),
        ciphers(deps.keys, deps.vault, deps.cipher, options.on_seal),
        files(deps.volumes, reports, options.volume_deadline, options.open_files_max) {}

  const SegmentStoreDeps deps;
  const SegmentStoreOptions options;
  SegmentCiphers ciphers;
  FailureReports reports;
  ShardFiles files;
  SegmentCounters counters;

  /// Runs fn(0) … fn(n-1), on several threads where there are some.
  template <typename Fn>
  void for_each(std::size_t n, Fn&& fn) const {
    if (deps.executor != nullptr && n > 1) {
      parallel_for(*deps.executor, n, fn);
      return;
    }
    for (std::size_t i = 0; i < n; ++i) fn(i);
  }
};

}  // namespace coffer
