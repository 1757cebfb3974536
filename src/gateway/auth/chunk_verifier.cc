#include "gateway/auth/chunk_verifier.h"

#include <utility>

namespace coffer::gateway {
namespace {

constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace

ChunkVerifier::ChunkVerifier(ChunkSeed seed)
    : seed_(std::move(seed)), chunk_(Digest::Kind::Sha256) {}

std::string ChunkVerifier::sign(std::string_view algorithm, std::string_view middle,
                                std::string_view hash) const {
  std::string text(algorithm);
  text.append("\n").append(seed_.amz_date).append("\n").append(seed_.scope).append("\n");
  text.append(seed_.signature).append("\n").append(middle).append(hash);
  return to_hex(hmac_sha256(seed_.key, text));
}

bool ChunkVerifier::update(Bytes payload, std::span<const ChunkMark> marks) {
  std::size_t at = 0;
  std::string middle(kEmptySha256);
  middle.push_back('\n');
  for (const ChunkMark& mark : marks) {
    chunk_.update(payload.subspan(at, mark.end - at));
    at = mark.end;
    std::string expected = sign("AWS4-HMAC-SHA256-PAYLOAD", middle, to_hex(chunk_.finish()));
    good_ = good_ && equal_constant_time(expected, mark.signature);
    seed_.signature = std::move(expected);
  }
  chunk_.update(payload.subspan(at));
  return good_;
}

bool ChunkVerifier::check_trailers(std::span<const AwsChunkedParser::Trailer> trailers,
                                   std::string_view signature) {
  std::string canonical;
  for (const auto& [name, value] : trailers) {
    canonical.append(name).append(":").append(value).append("\n");
  }
  const std::string expected = sign("AWS4-HMAC-SHA256-TRAILER", {}, to_hex(sha256(canonical)));
  good_ = good_ && equal_constant_time(expected, signature);
  return good_;
}

}  // namespace coffer::gateway
