#pragma once
/// SigV4: verifies who sent a request (header form and presigned query form of AWS Signature
/// Version 4) and says how its body is to be verified while it streams.
///
/// Format    docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
/// Threads   verify() from any thread.
/// Errors    AuthFailure; an unknown key and a wrong signature cost the same work.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "coffer/core/error.h"
#include "gateway/auth/signing_key_cache.h"
#include "gateway/http/percent.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

/// Why a request was not authenticated; s3/ gives each its S3 code, status and words.
enum class AuthFailure {
  Anonymous,             // nothing says who it is
  UnsupportedMechanism,  // Signature Version 2 and others
  MalformedHeader,
  MalformedQuery,
  MissingContentSha256,
  InvalidContentSha256,
  MissingDate,
  UnknownAccessKey,
  WrongSignature,
  Skewed,
  Expired,
  NotYetValid,
  HeadersNotSigned,
  TokenNotSupported,
  Unavailable,  // the credentials could not be read
};

/// How the body proves itself.
enum class PayloadKind {
  Unsigned,
  Hashed,               // payload_sha256 is over the whole body
  SignedChunks,         // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  SignedChunksTrailer,  // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  UnsignedTrailer,      // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

/// What each chunk's signature continues from.
struct ChunkSeed {
  Sha256Value key{};
  std::string amz_date;
  std::string scope;
  std::string signature;
};

enum class FormKind { None, Version2, Version4 };

struct SignedRequest {
  std::string access_key;
  bool presigned = false;
  FormKind form = FormKind::None;
  PayloadKind payload = PayloadKind::Unsigned;
  std::string payload_sha256;  // lower-case hex when Hashed
  ChunkSeed seed;              // set for the signed chunk forms
};

/// Where secrets come from. Called on the thread that verifies; may block.
class SecretSource {
 public:
  virtual ~SecretSource() = default;
  /// Nothing when no such key exists.
  virtual Result<std::optional<std::string>> secret_of(std::string_view access_key) = 0;
};

/// What proves a form upload: its policy, signed.
struct FormSignature {
  std::string_view policy;  // base64, as it came
  std::string_view
      algorithm;  // "AWS4-HMAC-SHA256"; empty: Signature Version 2, HMAC-SHA1 of the policy
  std::string_view credential;  // with its scope; of version 2: the access key
  std::string_view signature;
};

class SigV4 {
 public:
  static constexpr std::int64_t kSkewSecondsMax = 15 * 60;

  explicit SigV4(SecretSource& secrets) : secrets_(secrets) {}
  /// `now` in seconds since 1970.
  tl::expected<SignedRequest, AuthFailure> verify(const RequestHead& head,
                                                  const QueryParameters& query, std::int64_t now);
  /// The access key that signed the form.
  tl::expected<std::string, AuthFailure> verify_form(const FormSignature& form);
  [[nodiscard]] const SigningKeyCache& keys() const { return keys_; }

 private:
  struct Claim;
  static tl::expected<Claim, AuthFailure> header_claim(const RequestHead& head, std::int64_t now);
  static tl::expected<Claim, AuthFailure> query_claim(const RequestHead& head,
                                                      const QueryParameters& query,
                                                      std::int64_t now);
  tl::expected<SignedRequest, AuthFailure> check(const RequestHead& head,
                                                 const QueryParameters& query, const Claim& claim);

  SecretSource& secrets_;
  SigningKeyCache keys_;
};

}  // namespace coffer::gateway
