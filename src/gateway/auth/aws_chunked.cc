#include "gateway/auth/aws_chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace coffer::gateway {
namespace {

constexpr std::string_view kSignatureKey = "chunk-signature=";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

tl::unexpected<Error> AwsChunkedParser::dead(const char* why) {
  state_ = State::Dead;
  return fail(Errc::InvalidArgument, why);
}

Result<std::size_t> AwsChunkedParser::parse(MutableBytes window, std::vector<ChunkMark>& marks) {
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < window.size()) {
    switch (state_) {
      case State::Data: {
        const auto n =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, window.size() - in));
        if (in != out) std::memmove(window.data() + out, window.data() + in, n);
        in += n;
        out += n;
        chunk_left_ -= n;
        if (chunk_left_ == 0) {
          marks.push_back({out, std::exchange(chunk_signature_, {})});
          state_ = State::DataEnd;
        }
        break;
      }
      case State::Size:
      case State::DataEnd:
      case State::Trailer: {
        const std::byte* start = window.data() + in;
        const auto* newline =
            static_cast<const std::byte*>(std::memchr(start, '\n', window.size() - in));
        const auto length =
            newline == nullptr ? window.size() - in : static_cast<std::size_t>(newline - start);
        if (line_.size() + length > kLineMax) return dead("chunk header too long");
        line_.append(reinterpret_cast<const char*>(start), length);
        in += length;
        if (newline == nullptr) break;
        ++in;
        COFFER_TRY(take_line(out, marks));
        break;
      }
      case State::Done:
        return dead("bytes after the last chunk");
      case State::Dead:
        return dead("chunked body was malformed");
    }
  }
  return out;
}

Result<void> AwsChunkedParser::take_line(std::size_t payload_end, std::vector<ChunkMark>& marks) {
  std::string line = std::exchange(line_, {});
  if (line.ends_with('\r')) line.pop_back();
  if (state_ == State::DataEnd) {
    if (!line.empty()) return dead("chunk longer than its size");
    state_ = State::Size;
    return {};
  }
  if (state_ == State::Trailer) return trailer_line(line);
  COFFER_TRY(size_line(line));
  if (state_ == State::Trailer) marks.push_back({payload_end, std::exchange(chunk_signature_, {})});
  return {};
}

Result<void> AwsChunkedParser::size_line(std::string_view line) {
  const std::size_t semicolon = line.find(';');
  const std::string_view size = line.substr(0, semicolon);
  const auto [end, error] =
      std::from_chars(size.data(), size.data() + size.size(), chunk_left_, 16);
  if (error != std::errc() || end != size.data() + size.size() || size.size() > 16 ||
      chunk_left_ > kChunkBytesMax) {
    return dead("malformed chunk size");
  }
  chunk_signature_.clear();
  if (signatures_ == Signatures::Required) {
    const std::string_view extension = semicolon == std::string_view::npos
                                           ? std::string_view()
                                           : trimmed(line.substr(semicolon + 1));
    if (!extension.starts_with(kSignatureKey) || extension.size() != kSignatureKey.size() + 64) {
      return dead("chunk without a signature");
    }
    chunk_signature_ = std::string(extension.substr(kSignatureKey.size()));
  }
  state_ = chunk_left_ == 0 ? State::Trailer : State::Data;
  return {};
}

Result<void> AwsChunkedParser::trailer_line(std::string_view line) {
  if (line.empty()) {
    // AWS's own worked example has a stray blank line before the trailer's signature.
    const bool signature_due =
        signatures_ == Signatures::Required && !trailers_.empty() && trailer_signature_.empty();
    if (!signature_due) state_ = State::Done;
    return {};
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return dead("malformed trailer");
  if (trailers_.size() == kTrailersMax) return dead("too many trailers");
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "x-amz-trailer-signature") {
    trailer_signature_ = std::string(value);
  } else {
    trailers_.emplace_back(std::move(name), std::string(value));
  }
  return {};
}

bool AwsChunkedParser::finish() {
  if (state_ == State::Trailer) {
    if (!line_.empty()) {
      std::string line = std::exchange(line_, {});
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty() && !trailer_line(line)) return false;
    }
    state_ = State::Done;
  }
  return done();
}

}  // namespace coffer::gateway
