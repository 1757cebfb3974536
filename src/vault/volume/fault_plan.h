#pragma once
/// FaultPlan: which operations of one memory disk go wrong, and how.
///
///     disk->faults().add({.kind = IoKind::ShardSync, .nth = 3, .effect = FaultEffect::Io});
///
/// Threads   any.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/mutex.h"
#include "vault/volume/fault_clock.h"

namespace coffer {

enum class FaultEffect {
  Io,       // a write leaves a random part of itself; a sync drops the dirty pages, as Linux does
  NoSpace,  // likewise
  Hang,     // the disk stops answering, from this operation until MemoryDisk::release
  Vanish,   // the disk is gone, from this operation until MemoryDisk::reappear
  Crash,    // the whole machine stops, before this operation
};

struct Fault {
  enum class Repeat { Once, Forever };
  std::optional<IoKind> kind;      // none: every kind
  std::string path_contains = {};  // empty: every path
  std::uint64_t nth = 1;           // of the matching operations, from when the fault was added
  FaultEffect effect = FaultEffect::Io;
  Repeat repeat = Repeat::Once;
};

class FaultPlan {
 public:
  void add(Fault fault) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);
  /// How many operations were made to fail so far.
  [[nodiscard]] std::uint64_t fired() const EXCLUDES(mutex_);

  /// For the disk: what happens to this operation.
  std::optional<FaultEffect> next(IoKind kind, std::string_view path) EXCLUDES(mutex_);

 private:
  struct Entry {
    Fault fault;
    std::uint64_t seen = 0;
  };
  mutable Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
  std::uint64_t fired_ GUARDED_BY(mutex_) = 0;
};

}  // namespace coffer
