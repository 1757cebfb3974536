#pragma once
/// FrameLedger: what the next frame of a log or manifest has to say.
///
/// The committing thread announces a commit before it calls RocksDB; the log's writer, called back on the same thread,
/// seals exactly one frame with it (docs/format.md §4.3).
///
/// Threads   any.

#include <cstdint>
#include <optional>
#include <string>

#include "coffer/core/mutex.h"
#include "vault/meta/sealed_frames.h"

namespace coffer::meta {

struct AnnouncedCommit {
  std::uint64_t position = 0;
  std::uint32_t commits = 0;
  std::string needs;
  std::size_t batch_bytes = 0;  // of the log record that RocksDB will write
};

class FrameLedger {
 public:
  void announce(AnnouncedCommit commit) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    announced_ = std::move(commit);
  }
  [[nodiscard]] std::optional<std::size_t> announced_bytes() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!announced_) return std::nullopt;
    return announced_->batch_bytes;
  }

  struct LogFrame {
    FrameInfo info;
    std::string needs;
  };
  /// Takes the announced commit, if there is one.
  LogFrame take_log_frame() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    LogFrame frame;
    frame.info = log_frame();
    if (announced_) {
      position_ = announced_->position;
      frame.info.commits = announced_->commits;
      frame.needs = std::move(announced_->needs);
      frame.info.position = position_;
      announced_.reset();
    }
    return frame;
  }
  /// The first frame of a new log: it says where the log begins, and leaves the announced commit alone.
  FrameInfo empty_log_frame() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return log_frame();
  }
  FrameInfo manifest_frame() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return {.position = synced_,
            .commits = 0,
            .synced_upto = synced_,
            .peer_number = log_number_,
            .peer_frames = log_frames_};
  }

  /// A log is begun or was recovered; returns the newest one before it.
  std::uint64_t next_log(std::uint64_t number) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const std::uint64_t previous = newest_log_;
    if (number > newest_log_) newest_log_ = number;
    return previous;
  }

  /// The image that is being opened reaches this far, all of it synced.
  void start_at(std::uint64_t position) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (position > position_) position_ = position;
    if (position > synced_) synced_ = position;
  }
  [[nodiscard]] std::uint64_t position() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return position_;
  }
  void synced(std::uint64_t position) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (position > synced_) synced_ = position;
  }
  /// `frames` frames of that file are on disk for good, and so is its name.
  void file_synced(const SealedName& name, std::uint64_t frames) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const bool log = name.kind == SealedKind::Log;
    std::uint64_t& number = log ? log_number_ : manifest_number_;
    std::uint64_t& upto = log ? log_frames_ : manifest_frames_;
    if (name.number > number) {
      number = name.number;
      upto = frames;
    } else if (name.number == number && frames > upto) {
      upto = frames;
    }
  }
  /// CURRENT was renamed, and now its directory entry is synced: the newest manifest is in force.
  void current_renamed() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    renamed_ = true;
  }
  void directory_synced() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (renamed_) manifest_in_force_ = manifest_number_;
    renamed_ = false;
  }

 private:
  FrameInfo log_frame() const REQUIRES(mutex_) {
    return {.position = position_,
            .commits = 0,
            .synced_upto = synced_,
            .peer_number = manifest_in_force_,
            .peer_frames = manifest_in_force_ == manifest_number_ ? manifest_frames_ : 0};
  }

  mutable Mutex mutex_;
  std::optional<AnnouncedCommit> announced_ GUARDED_BY(mutex_);
  std::uint64_t position_ GUARDED_BY(mutex_) = 0;
  std::uint64_t synced_ GUARDED_BY(mutex_) = 0;
  std::uint64_t newest_log_ GUARDED_BY(mutex_) = 0;
  std::uint64_t log_number_ GUARDED_BY(mutex_) = 0;  // newest that is synced, and how much of it
  std::uint64_t log_frames_ GUARDED_BY(mutex_) = 0;
  std::uint64_t manifest_number_ GUARDED_BY(mutex_) = 0;
  std::uint64_t manifest_frames_ GUARDED_BY(mutex_) = 0;
  std::uint64_t manifest_in_force_ GUARDED_BY(mutex_) = 0;
  bool renamed_ GUARDED_BY(mutex_) = false;
};

}  // namespace coffer::meta
