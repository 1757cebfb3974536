#pragma once
/// FrameSealer and FrameReader: files that grow and must be readable up to wherever a crash stopped them.
///
/// Format    docs/format.md §4.3: header, then frames, each sealed once under its own number as nonce and chained to the
///           one before by that one's tag. Frame 0 is empty: it makes the header authentic from the start.
/// Threads   one thread at a time per object.
/// Errors    Corrupt and AuthenticationFailed: there is no good frame at that place.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "vault/meta/sealed_identity.h"

namespace coffer::meta {

using FrameTag = std::array<std::byte, crypto::Aead::kTagBytes>;

/// What a frame says beside its bytes. Positions are the vault's commit positions.
struct FrameInfo {
  std::uint64_t position = 0;  // log: of the last commit in it. Manifest: highest synced position
  std::uint32_t commits =
      0;  // log: how many commits it holds; the first has position - commits + 1
  std::uint64_t synced_upto = 0;  // highest synced position when the frame was sealed
  // A log names the manifest in force and how many of its frames were synced; a manifest likewise the newest
  // synced log. So neither can be cut back behind the other one's back.
  std::uint64_t peer_number = 0;
  std::uint64_t peer_frames = 0;
};

struct Frame {
  FrameInfo info;
  std::uint64_t sequence = 0;
  std::uint64_t plain_offset = 0;
  std::uint64_t plain_bytes = 0;  // of `plain`, also once it was moved away
  std::uint64_t disk_bytes = 0;
  FrameTag tag{};
  std::string
      needs;  // encoded References, one after another. Frame 0 of a log: number of the log before
  std::string plain;
};

class FrameSealer {
 public:
  static constexpr std::size_t kFrameHeaderBytes = 80;
  static constexpr std::uint32_t kBodyBytesMax = std::uint32_t{1} << 30;

  explicit FrameSealer(const SealedIdentity& identity) : identity_(identity) {}
  /// Appends one sealed frame to `out`.
  Result<void> seal(const FrameInfo& info, std::string_view needs, std::string_view plain,
                    std::string& out);
  [[nodiscard]] std::uint64_t frames() const { return sequence_; }
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }

 private:
  const SealedIdentity& identity_;
  std::uint64_t sequence_ = 0;
  std::uint64_t plain_bytes_ = 0;
  FrameTag previous_{};
};

/// Opens the frame that begins at `in` (which may go on behind it), whatever its place in the chain is.
Result<Frame> open_frame(const SealedIdentity& identity, Bytes in);
/// True if `frame` is the one that follows what was read so far (null: the first).
bool follows(const Frame* previous, const Frame& frame, const FrameTag& chained_to);
/// The tag that the frame at `in` says it follows. @pre open_frame succeeded
FrameTag chained_tag(Bytes in);
/// Searches `in` for authentic frames, which prove that something in front of them is missing.
struct LaterFrames {
  bool found = false;
  std::uint64_t synced_upto = 0;  // the highest that any of them tells
};
LaterFrames find_later_frames(const SealedIdentity& identity, Bytes in);

}  // namespace coffer::meta
