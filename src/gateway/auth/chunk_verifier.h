#pragma once
/// ChunkVerifier: checks the signature chain of a signed aws-chunked body while its payload passes
/// by.
///
/// Threads   one at a time.
/// Errors    false once anything did not match; it stays so.

#include <span>
#include <string>

#include "coffer/core/bytes.h"
#include "gateway/auth/aws_chunked.h"
#include "gateway/auth/digest.h"
#include "gateway/auth/sigv4.h"

namespace coffer::gateway {

class ChunkVerifier {
 public:
  explicit ChunkVerifier(ChunkSeed seed);

  /// The payload of one window, with the marks that AwsChunkedParser gave for it.
  bool update(Bytes payload, std::span<const ChunkMark> marks);
  /// The trailers' signature; call after the last update().
  bool check_trailers(std::span<const AwsChunkedParser::Trailer> trailers,
                      std::string_view signature);

 private:
  std::string sign(std::string_view algorithm, std::string_view middle,
                   std::string_view hash) const;

  ChunkSeed seed_;  // seed_.signature is the previous chunk's
  Digest chunk_;
  bool good_ = true;
};

}  // namespace coffer::gateway
