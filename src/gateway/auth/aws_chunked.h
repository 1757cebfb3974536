#pragma once
/// AwsChunkedParser: takes the aws-chunked framing off a body, incrementally and in place.
///
/// Wire form (each chunk, any number of them, then one of size 0, then trailer lines and a blank
/// one):
///   <hex size>[;chunk-signature=<64 hex>] CRLF <size bytes> CRLF
///
/// The parser only cuts; it hashes nothing. Where a chunk ends, its signature becomes a ChunkMark
/// that ChunkVerifier checks while the payload passes by.
///
///   Size ── CRLF ──► Data ── size bytes ──► DataEnd ── CRLF ──► Size …
///     └─ size 0 ──► Trailer ── blank line ──► Done
///
/// Threads   one at a time.
/// Errors    InvalidArgument on anything outside of that form; the parser is then dead.
/// Bounds    a chunk header or trailer line of at most kLineMax bytes, kTrailersMax trailers.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"

namespace coffer::gateway {

/// "The payload up to `end` (counted from the start of this window) closed a chunk with
/// `signature`."
struct ChunkMark {
  std::size_t end;
  std::string signature;  // empty in the unsigned form
};

class AwsChunkedParser {
 public:
  enum class Signatures { Required, Absent };
  static constexpr std::size_t kLineMax = 4096;
  static constexpr std::size_t kTrailersMax = 16;
  static constexpr std::uint64_t kChunkBytesMax = std::uint64_t{5} << 30;

  explicit AwsChunkedParser(Signatures signatures) : signatures_(signatures) {}

  /// Moves the payload that `window` holds to its front; returns how many bytes that is. Marks of
  /// the chunks that ended in it are appended to `marks`.
  Result<std::size_t> parse(MutableBytes window, std::vector<ChunkMark>& marks);

  /// True once the final chunk and its trailers were read.
  [[nodiscard]] bool done() const { return state_ == State::Done; }
  /// After the last byte of the body: closes a final chunk that came without its blank line.
  bool finish();

  using Trailer = std::pair<std::string, std::string>;  // lower-case name, value
  [[nodiscard]] const std::vector<Trailer>& trailers() const { return trailers_; }
  /// Of x-amz-trailer-signature; empty if there was none.
  [[nodiscard]] const std::string& trailer_signature() const { return trailer_signature_; }

 private:
  enum class State { Size, Data, DataEnd, Trailer, Done, Dead };

  Result<void> take_line(std::size_t payload_end, std::vector<ChunkMark>& marks);
  Result<void> size_line(std::string_view line);
  Result<void> trailer_line(std::string_view line);
  tl::unexpected<Error> dead(const char* why);

  const Signatures signatures_;
  State state_ = State::Size;
  std::string line_;  // an incomplete line, across windows
  std::uint64_t chunk_left_ = 0;
  std::string chunk_signature_;
  std::vector<Trailer> trailers_;
  std::string trailer_signature_;
};

}  // namespace coffer::gateway
