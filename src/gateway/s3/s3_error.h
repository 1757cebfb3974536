#pragma once
/// S3Code, S3Error, S3Result: failures in S3's words.
///
/// Threads   plain values.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "gateway/http/reply.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

/// Named as AWS names them.
enum class S3Code {
  AccessControlListNotSupported,
  AccessDenied,
  AccessForbidden,
  AuthorizationHeaderMalformed,
  AuthorizationQueryParametersError,
  BadDigest,
  BadRequest,
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  BucketNotEmpty,
  EntityTooLarge,
  EntityTooSmall,
  IncompleteBody,
  InsufficientStorage,
  InternalError,
  InvalidAccessKeyId,
  InvalidArgument,
  InvalidBucketAclWithObjectOwnership,
  InvalidBucketName,
  InvalidBucketState,
  InvalidDigest,
  InvalidEncryptionAlgorithmError,
  InvalidPart,
  InvalidPartNumber,
  InvalidPartOrder,
  InvalidPolicyDocument,
  InvalidRange,
  InvalidRequest,
  InvalidRetentionPeriod,
  InvalidTag,
  InvalidToken,
  InvalidURI,
  KeyTooLongError,
  MalformedACLError,
  MalformedPOSTRequest,
  MalformedPolicy,
  MalformedXML,
  MaxMessageLengthExceeded,
  MetadataTooLarge,
  MethodNotAllowed,
  MissingContentLength,
  NoSuchBucket,
  NoSuchBucketPolicy,
  NoSuchCORSConfiguration,
  NoSuchKey,
  NoSuchLifecycleConfiguration,
  NoSuchObjectLockConfiguration,
  NoSuchPublicAccessBlockConfiguration,
  NoSuchTagSet,
  NoSuchUpload,
  NoSuchVersion,
  NoSuchWebsiteConfiguration,
  NotImplemented,
  ObjectLockConfigurationNotFoundError,
  OperationAborted,
  OwnershipControlsNotFoundError,
  PreconditionFailed,
  ReplicationConfigurationNotFoundError,
  RequestHeaderSectionTooLarge,
  RequestTimeTooSkewed,
  RequestTimeout,
  ServerSideEncryptionConfigurationNotFoundError,
  ServiceUnavailable,
  SignatureDoesNotMatch,
  SlowDown,
  TooManyBuckets,
  UnexpectedContent,
  UnresolvableGrantByEmailAddress,
  XAmzContentSHA256Mismatch,
};

struct S3CodeText {
  std::string_view name;
  int status;
  std::string_view message;
};
const S3CodeText& text_of(S3Code code) noexcept;

struct S3Error {
  S3Code code = S3Code::InternalError;
  std::string message = {};                                            // empty: the code's own
  std::vector<std::pair<std::string_view, std::string>> details = {};  // further XML elements
  std::vector<std::pair<std::string_view, std::string>> headers = {};  // further headers
};

template <typename T>
using S3Result = tl::expected<T, S3Error>;

inline tl::unexpected<S3Error> s3_fail(S3Code code, std::string message = {}) {
  return tl::unexpected<S3Error>(S3Error{code, std::move(message)});
}
inline tl::unexpected<S3Error> s3_fail(S3Error error) {
  return tl::unexpected<S3Error>(std::move(error));
}

/// S3's error document for this request.
Reply error_reply(const RequestHead& head, const S3Error& error);

}  // namespace coffer::gateway

/// As COFFER_TRY and COFFER_ASSIGN, for S3Result.
#define S3_TRY(expr)                                                       \
  do {                                                                     \
    if (auto s3_try_result = (expr); !s3_try_result)                       \
      return ::coffer::gateway::s3_fail(std::move(s3_try_result).error()); \
  } while (false)
#define S3_ASSIGN(lhs, expr) S3_ASSIGN_INNER(COFFER_CONCAT(s3_assign_, __LINE__), lhs, expr)
#define S3_ASSIGN_INNER(tmp, lhs, expr)                                \
  auto tmp = (expr);                                                   \
  if (!tmp) return ::coffer::gateway::s3_fail(std::move(tmp).error()); \
  lhs = std::move(*tmp)
