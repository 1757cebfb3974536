#include "gateway/s3/s3_handler.h"

#include <ctime>
#include <string>

#include "gateway/s3/body_sinks.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/gzip.h"
#include "gateway/s3/post_object.h"
#include "gateway/s3/router.h"

namespace coffer::gateway {

class S3Handler::Secrets final : public SecretSource {
 public:
  explicit Secrets(AccessKeys& keys) : keys_(keys) {}
  Result<std::optional<std::string>> secret_of(std::string_view access_key) override {
    auto found = keys_.find(access_key);
    if (!found) return std::optional<std::string>();
    return std::optional<std::string>(std::move(found->secret));
  }

 private:
  AccessKeys& keys_;
};

namespace {

constexpr std::array<std::string_view, 7> kMethodNames{"GET",    "HEAD",    "PUT",  "POST",
                                                       "DELETE", "OPTIONS", "other"};

S3Error describe(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::Anonymous:
      return {S3Code::AccessDenied, {}, {}};
    case AuthFailure::UnsupportedMechanism:
      return {S3Code::InvalidRequest,
              "The authorization mechanism that you provided is not supported. Please use "
              "AWS4-HMAC-SHA256.",
              {}};
    case AuthFailure::MalformedHeader:
      return {S3Code::AuthorizationHeaderMalformed, {}, {}};
    case AuthFailure::MalformedQuery:
      return {S3Code::AuthorizationQueryParametersError, {}, {}};
    case AuthFailure::MissingContentSha256:
      return {S3Code::InvalidRequest,
              "Missing required header for this request: x-amz-content-sha256",
              {}};
    case AuthFailure::InvalidContentSha256:
      return {S3Code::InvalidArgument,
              "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value, or a valid "
              "sha256 value.",
              {}};
    case AuthFailure::MissingDate:
      return {S3Code::AccessDenied,
              "AWS authentication requires a valid Date or x-amz-date header",
              {}};
    case AuthFailure::UnknownAccessKey:
      return {S3Code::InvalidAccessKeyId, {}, {}};
    case AuthFailure::WrongSignature:
      return {S3Code::SignatureDoesNotMatch, {}, {}};
    case AuthFailure::Skewed:
      return {S3Code::RequestTimeTooSkewed, {}, {}};
    case AuthFailure::Expired:
      return {S3Code::AccessDenied, "Request has expired", {}};
    case AuthFailure::NotYetValid:
      return {S3Code::AccessDenied, "Request is not valid yet", {}};
    case AuthFailure::HeadersNotSigned:
      return {S3Code::AccessDenied,
              "There were headers present in the request which were not signed",
              {}};
    case AuthFailure::TokenNotSupported:
      return {S3Code::InvalidToken, {}, {}};
    case AuthFailure::Unavailable:
      return {S3Code::InternalError, {}, {}};
  }
  __builtin_unreachable();
}

/// A body that nobody signed: as it comes, or framed with a checksum behind it.
S3Result<PayloadKind> anonymous_payload(const RequestHead& head) {
  const std::string_view hash = head.value_or("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  if (hash == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return PayloadKind::UnsignedTrailer;
  if (hash.starts_with("STREAMING-")) return s3_fail(S3Code::AccessDenied);
  return PayloadKind::Unsigned;
}

}  // namespace

S3Handler::S3Handler(S3Service& service, Registry& metrics)
    : service_(service),
      secrets_(std::make_unique<Secrets>(service.access_keys)),
      auth_(*secrets_),
      bytes_in_(metrics.counter("coffer_s3_received_bytes_total", "Bytes of request bodies.")),
      bytes_out_(metrics.counter("coffer_s3_sent_bytes_total", "Bytes of reply bodies.")),
      auth_failures_(metrics.counter("coffer_s3_authentication_failures_total",
                                     "Requests that were not authenticated.")) {
  for (std::size_t i = 0; i < latency_.size(); ++i) {
    latency_[i] = &metrics.histogram("coffer_s3_request_seconds", "From head to end of the reply.",
                                     {{"method", std::string(kMethodNames[i])}});
  }
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    answers_[i] = &metrics.counter("coffer_s3_replies_total", "Replies by class of status.",
                                   {{"class", std::to_string(i) + "xx"}});
  }
}

S3Handler::~S3Handler() = default;

S3Result<std::unique_ptr<S3Call>> S3Handler::authenticate(const RequestHead& head) {
  auto query = QueryParameters::parse(head.query());
  if (!query) return s3_fail(S3Code::InvalidURI);
  auto call =
      std::make_unique<S3Call>(S3Call{service_, head, std::move(*query), {}, {}, nullptr, {}});
  if (head.method() == Method::Options) return call;  // browsers sign no preflight
  auto verified = auth_.verify(head, call->query, static_cast<std::int64_t>(std::time(nullptr)));
  if (!verified && verified.error() == AuthFailure::Anonymous) {
    S3_ASSIGN(call->signature.payload, anonymous_payload(head));
    return call;
  }
  if (!verified) {
    auth_failures_.add();
    return s3_fail(describe(verified.error()));
  }
  auto key = service_.access_keys.find(verified->access_key);
  if (!key) return s3_fail(S3Code::InvalidAccessKeyId);
  call->signature = std::move(*verified);
  call->be(std::move(*key));
  return call;
}

/// What is found wrong once the bucket is known is told to scripts of allowed origins too.
S3Result<Admission> S3Handler::admit(std::unique_ptr<S3Call> call) {
  S3_ASSIGN(Target target, find_target(call->head, service_.domains));
  call->operation = find_operation(call->head, call->query, target);
  call->bucket = std::move(target.bucket);
  call->key = std::move(target.key);
  const Operation& operation = *call->operation;
  if (call->operation == &kPostObject) {
    S3_ASSIGN(auto form, PostFormSink::create(std::move(call), auth_));
    Admission admission;
    admission.sink = std::move(form);
    return admission;
  }
  auto let = let_in(*call);
  if (let && call->key.size() > kKeyBytesMax) let = s3_fail(S3Code::KeyTooLongError);
  if (!let) {
    Admission refused;
    refused.reply = error_reply(call->head, let.error());
    add_cors_headers(*call, *refused.reply);
    return refused;
  }

  Admission admission;
  if (operation.run != nullptr) {
    auto reply = operation.run(*call);
    if (reply && !call->authorized) reply = s3_fail(S3Code::InternalError);
    admission.reply = reply ? std::move(*reply) : error_reply(call->head, reply.error());
    if (call->operation != &kPreflight) add_cors_headers(*call, *admission.reply);
    return admission;
  }
  S3_ASSIGN(auto verifier,
            BodyVerifier::create(*call, operation.open != nullptr ? BodyVerifier::Md5::Always
                                                                  : BodyVerifier::Md5::ToCheck));
  if (operation.open == nullptr) {
    admission.sink = std::make_unique<WholeBodySink>(std::move(call), std::move(verifier));
    return admission;
  }
  S3_ASSIGN(auto upload, operation.open(*call));
  admission.sink =
      std::make_unique<UploadSink>(std::move(call), std::move(verifier), std::move(upload));
  return admission;
}

Admission S3Handler::begin(const RequestHead& head) {
  auto call = authenticate(head);
  if (!call) return {error_reply(head, call.error()), nullptr};
  auto admission = admit(std::move(*call));
  if (!admission) return {error_reply(head, admission.error()), nullptr};
  if (admission->reply) compress_xml(head, *admission->reply);
  return std::move(*admission);
}

Reply S3Handler::failure(const RequestHead& head, HttpFailure failure) {
  switch (failure) {
    case HttpFailure::Malformed:
      return error_reply(head, {S3Code::InvalidRequest, {}, {}});
    case HttpFailure::HeaderTooLarge:
      return error_reply(head, {S3Code::RequestHeaderSectionTooLarge, {}, {}});
    case HttpFailure::UnknownCoding:
      return error_reply(head, {S3Code::NotImplemented, {}, {}});
    case HttpFailure::Overloaded:
      return error_reply(head, {S3Code::SlowDown, {}, {}});
    case HttpFailure::BodyIncomplete:
      return error_reply(head, {S3Code::IncompleteBody, {}, {}});
    case HttpFailure::SourceFailed:
      return error_reply(head, {S3Code::InternalError, {}, {}});
  }
  __builtin_unreachable();
}

void S3Handler::completed(const RequestHead& head, const RequestOutcome& outcome) {
  bytes_in_.add(outcome.bytes_in);
  bytes_out_.add(outcome.bytes_out);
  latency_[static_cast<std::size_t>(head.method())]->observe(
      std::chrono::duration<double>(outcome.duration).count());
  answers_[static_cast<std::size_t>(outcome.status / 100) % answers_.size()]->add();
}

}  // namespace coffer::gateway
