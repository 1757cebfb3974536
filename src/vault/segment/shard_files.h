#pragma once
/// ShardFiles: shard files opened for reading, a bounded number of them.
///
/// Borrows   the volumes, and the reports: it tells them who did not answer.
/// Threads   any.
/// Errors    NotFound (the volume or the file is not there), Io, TimedOut.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "coffer/core/buffer.h"
#include "coffer/core/error.h"
#include "coffer/core/lru_cache.h"
#include "vault/segment/failure_reports.h"
#include "vault/segment/segment.h"
#include "vault/volume/volume.h"

namespace coffer {

class VolumeSet;

class ShardFiles {
 public:
  ShardFiles(VolumeSet& volumes, FailureReports& reports, std::chrono::milliseconds deadline,
             std::uint32_t open_max)
      : volumes_(volumes), reports_(reports), deadline_(deadline), open_(open_max, 8) {}

  /// Reads `bytes` at `at` of the file in `slot`; a file that ends earlier is an error (Corrupt).
  Result<BufferRef> read(const Segment& segment, std::uint32_t slot, std::uint64_t at,
                         std::uint32_t bytes, BufferPool& buffers);
  /// Starts to fetch a range that will be read soon. A hint: what fails is the read's to tell.
  void read_ahead(const Segment& segment, std::uint32_t slot, std::uint64_t at,
                  std::uint32_t bytes);
  Result<std::shared_ptr<ShardFile>> open(const Segment& segment, std::uint32_t slot);
  /// Drops the handles of a segment; its readers keep what they hold.
  void forget(const Segment& segment);
  void forget(const Segment& segment, std::uint32_t slot) { open_.erase(key(segment, slot)); }
  void forget_all() { open_.clear(); }

 private:
  struct OpenFile {
    const Volume* volume = nullptr;  // another one may have taken its place since
    std::shared_ptr<ShardFile> file;
  };
  Result<OpenFile> open_there(const Segment& segment, std::uint32_t slot);
  /// One that did not answer is not asked again, unless another one has its place by now.
  void report(std::uint8_t member, const Volume* volume, const Error& why);
  static std::uint64_t key(const Segment& segment, std::uint32_t slot) {
    return segment.info().id.value() * kStripeShardsMax + slot;
  }

  VolumeSet& volumes_;
  FailureReports& reports_;
  const std::chrono::milliseconds deadline_;
  LruCache<std::uint64_t, OpenFile> open_;
};

}  // namespace coffer
