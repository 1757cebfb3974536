/// The CORS configuration of a bucket, and the preflight requests of browsers.

#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_bucket_cors(S3Call& call) {
  Reply reply;
  S3_ASSIGN(reply.body, require_setting(call, setting::kCors, S3Code::NoSuchCORSConfiguration));
  reply.add("Content-Type", "application/xml");
  return reply;
}

S3Result<Reply> put_bucket_cors(S3Call& call, std::string_view body) {
  S3_ASSIGN(const auto rules, parse_cors(body));
  S3_TRY(set_setting(call, setting::kCors, write_cors(rules)));
  return empty_reply(200);
}

S3Result<Reply> delete_bucket_cors(S3Call& call) {
  S3_TRY(set_setting(call, setting::kCors, std::nullopt));
  return empty_reply(204);
}

/// Browsers sign no preflight. It says nothing of an object, and of a bucket only what its rules allow everybody.
S3Result<Reply> preflight(S3Call& call) {
  call.authorized = true;
  CorsRequest request;
  request.origin = call.header("origin");
  request.method = call.header("access-control-request-method");
  request.headers = call.header("access-control-request-headers");
  if (request.origin.empty()) {
    return s3_fail(S3Code::BadRequest, "Insufficient information. Origin request header needed.");
  }
  if (request.method.empty()) {
    return s3_fail(S3Code::BadRequest, "Invalid Access-Control-Request-Method: null");
  }
  const auto document = call.access ? call.access->setting(setting::kCors) : std::nullopt;
  if (!document)
    return s3_fail(S3Code::AccessForbidden, "CORSResponse: CORS is not enabled for this bucket.");
  S3_ASSIGN(const auto rules, parse_cors(*document));
  const CorsRule* const rule = matching_rule(rules, request);
  if (rule == nullptr) return s3_fail(S3Code::AccessForbidden);
  Reply reply;
  add_cors_headers(*rule, request, reply);
  return reply;
}

}  // namespace

const Operation kGetBucketCors{
    .name = "GetBucketCors", .action = "s3:GetBucketCORS", .run = get_bucket_cors};
const Operation kPutBucketCors{.name = "PutBucketCors",
                               .effect = Operation::Effect::Write,
                               .action = "s3:PutBucketCORS",
                               .run_body = put_bucket_cors,
                               .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteBucketCors{.name = "DeleteBucketCors",
                                  .effect = Operation::Effect::Write,
                                  .action = "s3:PutBucketCORS",
                                  .run = delete_bucket_cors};
const Operation kPreflight{.name = "Preflight",
                           .check = Operation::Check::Itself,
                           .action = "s3:Preflight",
                           .run = preflight};

}  // namespace coffer::gateway
