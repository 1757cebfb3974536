#pragma once
/// SegmentSync: the data half of the commit barrier, for many callers at once.
///
/// A caller that arrives while a sync runs waits for the one that starts after its arrival; the
/// first of these callers runs it for all.
///
/// Owns      the list of segments that may have unsynced bytes.
/// Threads   any.

#include <functional>
#include <memory>
#include <vector>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/segment/segment_writer.h"

namespace coffer {

class SegmentSync {
 public:
  /// Closes all stripes that have data.
  using CloseStripes = std::function<void()>;

  SegmentSync(SegmentContext& context, CloseStripes close_stripes);

  void add(std::shared_ptr<SegmentWriter> writer) EXCLUDES(writers_mutex_);
  Result<void> sync() EXCLUDES(mutex_);
  /// Some segment that is not finished counts on this member.
  [[nodiscard]] bool writes_to(std::uint8_t member) const EXCLUDES(writers_mutex_);
  /// Segments that were ended and whose bytes are all synced, each once.
  std::vector<std::shared_ptr<SegmentWriter>> take_finished() EXCLUDES(writers_mutex_);

 private:
  struct Round {
    bool done = false;
    Result<void> result;
  };

  Result<void> run() EXCLUDES(mutex_, writers_mutex_);
  void drop_finished() EXCLUDES(writers_mutex_);

  SegmentContext& context_;
  const CloseStripes close_stripes_;

  Mutex mutex_;
  CondVar round_done_;
  bool running_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<Round> next_ GUARDED_BY(mutex_) = std::make_shared<Round>();

  mutable Mutex writers_mutex_;
  std::vector<std::shared_ptr<SegmentWriter>> writers_ GUARDED_BY(writers_mutex_);
  std::vector<std::shared_ptr<SegmentWriter>> finished_ GUARDED_BY(writers_mutex_);
};

}  // namespace coffer
