#include "gateway/auth/sigv4.h"

#include <openssl/crypto.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "gateway/auth/canonical_request.h"
#include "gateway/http/date.h"

namespace coffer::gateway {

/// What the client says of itself, before any of it is believed.
struct SigV4::Claim {
  std::string_view access_key;
  SigningScope scope;
  std::string_view scope_text;  // "date/region/service/aws4_request"
  std::string_view signed_headers;
  std::string_view signature;
  std::string amz_date;
  std::string_view payload_hash;
  bool presigned = false;
};

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::int64_t kPresignSecondsMax = 7 * 24 * 3600;

using Failure = tl::unexpected<AuthFailure>;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Access keys may hold '/', so the four parts of the scope are taken from the end.
struct Credential {
  std::string_view access_key;
  SigningScope scope;
  std::string_view scope_text;
};

std::optional<Credential> parse_credential(std::string_view text) {
  std::array<std::size_t, 4> slashes{};
  std::size_t end = text.size();
  for (std::size_t& slash : slashes) {
    if (end == 0) return std::nullopt;
    slash = text.rfind('/', end - 1);
    if (slash == std::string_view::npos) return std::nullopt;
    end = slash;
  }
  const auto part = [&](std::size_t from, std::size_t to) {
    return text.substr(from + 1, to - from - 1);
  };
  Credential c;
  c.access_key = text.substr(0, slashes[3]);
  c.scope = {part(slashes[3], slashes[2]), part(slashes[2], slashes[1]),
             part(slashes[1], slashes[0])};
  c.scope_text = text.substr(slashes[3] + 1);
  const bool ok = !c.access_key.empty() && c.access_key.size() <= 128 && c.scope.date.size() == 8 &&
                  c.scope.service == "s3" && part(slashes[0], text.size()) == "aws4_request";
  if (!ok) return std::nullopt;
  return c;
}

bool is_sha256_hex(std::string_view text) {
  if (text.size() != 64) return false;
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
  }
  return true;
}

std::optional<PayloadKind> payload_kind(std::string_view hash) {
  if (hash == "UNSIGNED-PAYLOAD") return PayloadKind::Unsigned;
  if (hash == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return PayloadKind::UnsignedTrailer;
  if (hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return PayloadKind::SignedChunks;
  if (hash == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") return PayloadKind::SignedChunksTrailer;
  if (is_sha256_hex(hash)) return PayloadKind::Hashed;
  return std::nullopt;
}

bool lists(std::string_view signed_headers, std::string_view name) {
  while (!signed_headers.empty()) {
    const std::size_t end = signed_headers.find(';');
    if (signed_headers.substr(0, end) == name) return true;
    if (end == std::string_view::npos) return false;
    signed_headers.remove_prefix(end + 1);
  }
  return false;
}

/// The host and whatever x-amz- header is there must be covered, else somebody on the way could add
/// an x-amz-copy-source or an x-amz-acl.
bool covers_what_matters(const RequestHead& head, std::string_view signed_headers) {
  if (!lists(signed_headers, "host")) return false;
  for (const HeaderField& field : head.fields()) {
    if (field.name.starts_with("x-amz-") && !lists(signed_headers, field.name)) return false;
  }
  return true;
}

}  // namespace

tl::expected<SigV4::Claim, AuthFailure> SigV4::header_claim(const RequestHead& head,
                                                            std::int64_t now) {
  std::string_view rest = head.value_or("authorization", {});
  if (!rest.starts_with(kAlgorithm)) {
    return Failure(rest.starts_with("AWS4-") ? AuthFailure::MalformedHeader
                                             : AuthFailure::UnsupportedMechanism);
  }
  rest.remove_prefix(kAlgorithm.size());
  Claim claim;
  std::string_view credential_text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return Failure(AuthFailure::MalformedHeader);
    const std::string_view value = item.substr(equals + 1);
    if (item.starts_with("Credential=")) credential_text = value;
    if (item.starts_with("SignedHeaders=")) claim.signed_headers = value;
    if (item.starts_with("Signature=")) claim.signature = value;
  }
  const auto credential = parse_credential(credential_text);
  if (!credential || claim.signed_headers.empty() || claim.signature.empty()) {
    return Failure(AuthFailure::MalformedHeader);
  }
  claim.access_key = credential->access_key;
  claim.scope = credential->scope;
  claim.scope_text = credential->scope_text;

  std::optional<std::int64_t> when;
  if (const auto amz = head.find("x-amz-date")) {
    when = parse_amz_date(*amz);
    claim.amz_date = std::string(*amz);
  } else if (const auto date = head.find("date")) {
    // The string to sign has the basic ISO form whatever the header's form was.
    when = parse_http_date(*date);
    if (!when) when = parse_amz_date(*date);
    if (when) {
      for (const char c : format_iso_date(*when, 0).substr(0, 19)) {
        if (c != '-' && c != ':') claim.amz_date.push_back(c);
      }
      claim.amz_date.push_back('Z');
    }
  }
  if (!when) return Failure(AuthFailure::MissingDate);
  if (std::abs(*when - now) > kSkewSecondsMax) return Failure(AuthFailure::Skewed);
  if (!claim.amz_date.starts_with(claim.scope.date)) return Failure(AuthFailure::MalformedHeader);

  const auto hash = head.find("x-amz-content-sha256");
  if (!hash) return Failure(AuthFailure::MissingContentSha256);
  claim.payload_hash = *hash;
  return claim;
}

tl::expected<SigV4::Claim, AuthFailure> SigV4::query_claim(const RequestHead& head,
                                                           const QueryParameters& query,
                                                           std::int64_t now) {
  Claim claim;
  claim.presigned = true;
  if (query.value_or("X-Amz-Algorithm", {}) != kAlgorithm)
    return Failure(AuthFailure::MalformedQuery);
  const auto credential = parse_credential(query.value_or("X-Amz-Credential", {}));
  claim.signed_headers = query.value_or("X-Amz-SignedHeaders", {});
  claim.signature = query.value_or("X-Amz-Signature", {});
  claim.amz_date = std::string(query.value_or("X-Amz-Date", {}));
  const auto when = parse_amz_date(claim.amz_date);
  const std::string_view expires = query.value_or("X-Amz-Expires", {});
  std::int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(expires.data(), expires.data() + expires.size(), seconds);
  const bool expires_ok = error == std::errc() && end == expires.data() + expires.size();
  if (!credential || claim.signed_headers.empty() || claim.signature.empty() || !when ||
      !expires_ok || !claim.amz_date.starts_with(credential->scope.date)) {
    return Failure(AuthFailure::MalformedQuery);
  }
  claim.access_key = credential->access_key;
  claim.scope = credential->scope;
  claim.scope_text = credential->scope_text;
  if (*when > now + kSkewSecondsMax) return Failure(AuthFailure::NotYetValid);
  const bool lasts = seconds > 0 && seconds <= kPresignSecondsMax;
  if (!lasts || now > *when + seconds) return Failure(AuthFailure::Expired);
  claim.payload_hash = head.value_or("x-amz-content-sha256",
                                     query.value_or("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"));
  return claim;
}

tl::expected<SignedRequest, AuthFailure> SigV4::verify(const RequestHead& head,
                                                       const QueryParameters& query,
                                                       std::int64_t now) {
  const bool by_header = head.find("authorization").has_value();
  const bool by_query = query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm");
  if (!by_header && !by_query) {
    return Failure(query.has("Signature") && query.has("AWSAccessKeyId")
                       ? AuthFailure::UnsupportedMechanism
                       : AuthFailure::Anonymous);
  }
  if (head.find("x-amz-security-token") || query.has("X-Amz-Security-Token")) {
    return Failure(AuthFailure::TokenNotSupported);
  }
  const auto claim = by_header ? header_claim(head, now) : query_claim(head, query, now);
  if (!claim) return Failure(claim.error());
  return check(head, query, *claim);
}

tl::expected<SignedRequest, AuthFailure> SigV4::check(const RequestHead& head,
                                                      const QueryParameters& query,
                                                      const Claim& claim) {
  const auto kind = payload_kind(claim.payload_hash);
  if (!kind) return Failure(AuthFailure::InvalidContentSha256);
  auto secret = secrets_.secret_of(claim.access_key);
  if (!secret) return Failure(AuthFailure::Unavailable);
  const bool known = secret->has_value();
  std::string secret_text = known ? std::move(**secret) : std::string("unknown access key");
  const Sha256Value key = keys_.get(claim.access_key, secret_text, claim.scope);
  OPENSSL_cleanse(secret_text.data(), secret_text.size());

  const std::string canonical =
      canonical_request({head, query, claim.signed_headers, claim.payload_hash});
  const std::string expected =
      to_hex(hmac_sha256(key, string_to_sign(claim.amz_date, claim.scope_text, canonical)));
  const bool equal = equal_constant_time(expected, claim.signature);
  if (!known) return Failure(AuthFailure::UnknownAccessKey);
  if (!equal) return Failure(AuthFailure::WrongSignature);
  if (!covers_what_matters(head, claim.signed_headers))
    return Failure(AuthFailure::HeadersNotSigned);

  SignedRequest request;
  request.access_key = std::string(claim.access_key);
  request.presigned = claim.presigned;
  request.payload = *kind;
  if (*kind == PayloadKind::Hashed) {
    request.payload_sha256 = std::string(claim.payload_hash);
    for (char& c : request.payload_sha256) {
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  if (*kind == PayloadKind::SignedChunks || *kind == PayloadKind::SignedChunksTrailer) {
    request.seed = {key, claim.amz_date, std::string(claim.scope_text), expected};
  }
  return request;
}

tl::expected<std::string, AuthFailure> SigV4::verify_form(const FormSignature& form) {
  const bool v4 = !form.algorithm.empty();
  if (v4 && form.algorithm != kAlgorithm) return Failure(AuthFailure::UnsupportedMechanism);
  const auto credential = v4 ? parse_credential(form.credential) : std::nullopt;
  if (v4 && !credential) return Failure(AuthFailure::MalformedQuery);
  const std::string_view access_key = v4 ? credential->access_key : form.credential;
  auto secret = secrets_.secret_of(access_key);
  if (!secret) return Failure(AuthFailure::Unavailable);
  const bool known = secret->has_value();
  std::string secret_text = known ? std::move(**secret) : std::string("unknown access key");
  std::string expected;
  if (v4) {
    expected =
        to_hex(hmac_sha256(keys_.get(access_key, secret_text, credential->scope), form.policy));
  } else {
    expected = to_base64(as_bytes(hmac_sha1(secret_text, form.policy)));
  }
  OPENSSL_cleanse(secret_text.data(), secret_text.size());
  const bool equal = equal_constant_time(expected, form.signature);
  if (!known) return Failure(AuthFailure::UnknownAccessKey);
  if (!equal) return Failure(AuthFailure::WrongSignature);
  return std::string(access_key);
}

}  // namespace coffer::gateway
