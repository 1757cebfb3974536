#pragma once
/// BodyVerifier: takes a body's aws-chunked framing off and proves it while it streams: signature chain,
/// x-amz-content-sha256, Content-MD5, checksum from header or trailer, length.
///
/// Threads   unframe() never runs at the same time as update(); else one at a time.
/// Errors    found early or at finish(), in AWS's words.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/auth/chunk_verifier.h"
#include "gateway/s3/call.h"
#include "gateway/s3/checksum.h"

namespace coffer::gateway {

/// What is known of a body once all of it has held.
struct BodyProof {
  std::uint64_t size = 0;
  std::string md5;  // raw; empty unless it was asked for
  std::optional<ChecksumKind> checksum_kind;
  std::string checksum;  // base64
};

class BodyVerifier {
 public:
  enum class Md5 { Always, ToCheck };
  static constexpr std::uint64_t kObjectBytesMax = std::uint64_t{5} << 40;

  static S3Result<std::unique_ptr<BodyVerifier>> create(const S3Call& call, Md5 md5);

  std::size_t unframe(MutableBytes raw);
  void update(Bytes payload);
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  S3Result<BodyProof> finish();
  /// Of the payload, when the client said it.
  [[nodiscard]] std::optional<std::uint64_t> expected_bytes() const { return expected_bytes_; }

 private:
  BodyVerifier() = default;
  S3Result<void> read_lengths(const S3Call& call);
  S3Result<void> read_checksums(const S3Call& call);
  void fail(S3Code code, std::string message = {});
  void check_trailers();

  std::optional<S3Error> error_;
  std::optional<std::uint64_t> expected_bytes_;
  std::uint64_t size_ = 0;

  std::optional<AwsChunkedParser> framing_;
  std::vector<ChunkMark> marks_;
  std::optional<ChunkVerifier> signatures_;
  bool trailers_signed_ = false;

  std::optional<Digest> sha256_;
  std::string expected_sha256_;  // hex
  std::optional<Digest> md5_;
  std::string expected_md5_;  // raw, empty: not given
  std::optional<Checksum> checksum_;
  std::string expected_checksum_;  // base64, from a header
  std::string checksum_trailer_;   // its name, when the value comes in a trailer
};

}  // namespace coffer::gateway
