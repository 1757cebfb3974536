#include "gateway/s3/body_verifier.h"

#include <utility>

#include "gateway/s3/number.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

}  // namespace

S3Result<std::unique_ptr<BodyVerifier>> BodyVerifier::create(const S3Call& call, Md5 md5) {
  std::unique_ptr<BodyVerifier> verifier(new BodyVerifier());
  const PayloadKind payload = call.signature.payload;
  switch (payload) {
    case PayloadKind::Unsigned:
      break;
    case PayloadKind::Hashed:
      verifier->sha256_.emplace(Digest::Kind::Sha256);
      verifier->expected_sha256_ = call.signature.payload_sha256;
      break;
    case PayloadKind::SignedChunks:
    case PayloadKind::SignedChunksTrailer:
      verifier->framing_.emplace(AwsChunkedParser::Signatures::Required);
      verifier->signatures_.emplace(call.signature.seed);
      verifier->trailers_signed_ = payload == PayloadKind::SignedChunksTrailer;
      break;
    case PayloadKind::UnsignedTrailer:
      verifier->framing_.emplace(AwsChunkedParser::Signatures::Absent);
      break;
  }
  S3_TRY(verifier->read_lengths(call));
  S3_TRY(verifier->read_checksums(call));
  if (const auto given = call.head.find("content-md5")) {
    verifier->expected_md5_ = from_base64(*given, 16);
    if (verifier->expected_md5_.empty()) return s3_fail(S3Code::InvalidDigest);
  }
  if (md5 == Md5::Always || !verifier->expected_md5_.empty()) {
    verifier->md5_.emplace(Digest::Kind::Md5);
  }
  return verifier;
}

S3Result<void> BodyVerifier::read_lengths(const S3Call& call) {
  if (const auto decoded = call.head.find("x-amz-decoded-content-length")) {
    expected_bytes_ = parse_number(*decoded);
    if (!expected_bytes_) {
      return s3_fail(S3Code::InvalidArgument, "x-amz-decoded-content-length is not a number.");
    }
  } else if (framing_) {
    return s3_fail(S3Code::MissingContentLength);
  } else if (!call.head.find("transfer-encoding")) {
    expected_bytes_ = call.head.content_length();
    // A client that forgot its length must not overwrite an object with nothing.
    if (!expected_bytes_ && call.operation->open != nullptr)
      return s3_fail(S3Code::MissingContentLength);
    if (!expected_bytes_) expected_bytes_ = 0;
  }
  if (expected_bytes_.value_or(0) > kObjectBytesMax) return s3_fail(S3Code::EntityTooLarge);
  return {};
}

S3Result<void> BodyVerifier::read_checksums(const S3Call& call) {
  if (call.operation->checksums == Operation::Checksums::OfObject) return {};
  std::optional<ChecksumKind> kind;
  for (const HeaderField& field : call.head.fields()) {
    if (!field.name.starts_with(kChecksumPrefix)) continue;
    const auto found = checksum_kind(field.name.substr(kChecksumPrefix.size()));
    if (!found) continue;
    if (kind) return s3_fail(S3Code::InvalidRequest, "Expecting a single x-amz-checksum- header.");
    kind = found;
    expected_checksum_ = std::string(field.value);
    if (from_base64(field.value, checksum_bytes(*kind)).empty()) {
      return s3_fail(S3Code::InvalidRequest,
                     "Value for " + std::string(field.name) + " header is invalid.");
    }
  }
  const std::string_view trailer = call.header("x-amz-trailer");
  if (framing_ && trailer.starts_with(kChecksumPrefix)) {
    const auto found = checksum_kind(trailer.substr(kChecksumPrefix.size()));
    if (!found) return s3_fail(S3Code::InvalidRequest, "The value of x-amz-trailer is invalid.");
    if (kind) return s3_fail(S3Code::InvalidRequest, "Expecting a single x-amz-checksum- header.");
    kind = found;
    checksum_trailer_ = std::string(trailer);
  }
  if (kind) checksum_.emplace(*kind);
  return {};
}

void BodyVerifier::fail(S3Code code, std::string message) {
  if (!error_) error_ = S3Error{code, std::move(message), {}};
}

std::size_t BodyVerifier::unframe(MutableBytes raw) {
  std::size_t payload = raw.size();
  marks_.clear();
  if (framing_) {
    const auto parsed = framing_->parse(raw, marks_);
    if (!parsed) {
      fail(S3Code::InvalidRequest,
           "The aws-chunked body is malformed: " + parsed.error().context + ".");
      return 0;
    }
    payload = *parsed;
  }
  size_ += payload;
  if (size_ > expected_bytes_.value_or(kObjectBytesMax)) {
    fail(expected_bytes_ ? S3Code::IncompleteBody : S3Code::EntityTooLarge);
  }
  return payload;
}

void BodyVerifier::update(Bytes payload) {
  if (signatures_ && !signatures_->update(payload, marks_)) fail(S3Code::SignatureDoesNotMatch);
  if (sha256_) sha256_->update(payload);
  if (md5_) md5_->update(payload);
  if (checksum_) checksum_->update(payload);
}

void BodyVerifier::check_trailers() {
  if (!framing_->finish()) {
    fail(S3Code::IncompleteBody);
    return;
  }
  if (trailers_signed_ &&
      !signatures_->check_trailers(framing_->trailers(), framing_->trailer_signature())) {
    fail(S3Code::SignatureDoesNotMatch);
  }
  if (checksum_trailer_.empty()) return;
  for (const auto& [name, value] : framing_->trailers()) {
    if (name == checksum_trailer_) expected_checksum_ = value;
  }
  if (expected_checksum_.empty()) {
    fail(S3Code::InvalidRequest, "The body's trailer does not hold what x-amz-trailer announced.");
  }
}

S3Result<BodyProof> BodyVerifier::finish() {
  if (!error_ && framing_) check_trailers();
  if (!error_ && expected_bytes_ && size_ != *expected_bytes_) fail(S3Code::IncompleteBody);
  BodyProof proof;
  proof.size = size_;
  if (!error_ && sha256_ && to_hex(sha256_->finish()) != expected_sha256_) {
    fail(S3Code::XAmzContentSHA256Mismatch);
  }
  if (!error_ && md5_) {
    proof.md5 = md5_->finish();
    if (!expected_md5_.empty() && proof.md5 != expected_md5_) fail(S3Code::BadDigest);
  }
  if (!error_ && checksum_) {
    proof.checksum_kind = checksum_->kind();
    proof.checksum = to_base64(as_bytes(checksum_->finish()));
    if (proof.checksum != expected_checksum_) {
      fail(S3Code::BadDigest, "The " + std::string(upper_name(*proof.checksum_kind)) +
                                  " you specified did not match the calculated checksum.");
    }
  }
  if (error_) return s3_fail(*error_);
  return proof;
}

}  // namespace coffer::gateway
