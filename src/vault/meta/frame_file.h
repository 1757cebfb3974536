#pragma once
/// load_frame_file: reads a log or manifest whole, merged from all mirrors.
///
/// The mirrors' copies are the same ciphertext, so each frame is taken from whichever copy verifies, and the chain
/// goes on as far as any of them goes.
///
/// Errors    NotFound (on no mirror), Corrupt (no copy has an authentic first frame), Io.

#include <cstdint>
#include <string_view>
#include <vector>

#include "vault/meta/mirror_set.h"
#include "vault/meta/sealed_frames.h"

namespace coffer::meta {

struct FrameFile {
  Uuid boot;
  std::vector<Frame> frames;
  /// Some copy ends exactly where the chain ends, but for zeros, and no copy has an authentic frame behind it.
  bool complete = false;
  /// An authentic frame stands behind a place that no copy can give.
  bool hole = false;
  /// Of the frames behind the hole.
  std::uint64_t later_synced_upto = 0;
  /// By mirror: how many frames of the chain its copy gives without help.
  std::vector<std::size_t> frames_alone;
  /// By mirror: its copy ends whole, after one of the frames: what is not there was not written.
  std::vector<bool> ends_early;

  [[nodiscard]] std::string take_plain();
  [[nodiscard]] std::uint64_t plain_bytes() const;
};

/// `upto`: of a file that is being written, how long it is known to be.
Result<FrameFile> load_frame_file(const SealingContext& context, MirrorSet& mirrors,
                                  std::string_view name, std::uint64_t upto = UINT64_MAX);

}  // namespace coffer::meta
