#include "gateway/s3/s3_error.h"

#include "gateway/http/percent.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

const S3CodeText& text_of(S3Code code) noexcept {
#define COFFER_S3_CODE(name, status, message)                  \
  case S3Code::name: {                                         \
    static constexpr S3CodeText kText{#name, status, message}; \
    return kText;                                              \
  }
  switch (code) {
    COFFER_S3_CODE(AccessControlListNotSupported, 400, "The bucket does not allow ACLs")
    COFFER_S3_CODE(AccessDenied, 403, "Access Denied")
    COFFER_S3_CODE(
        AccessForbidden, 403,
        "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of "
        "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers "
        "are not whitelisted by the resource's CORS spec.")
    COFFER_S3_CODE(AuthorizationHeaderMalformed, 400, "The authorization header is malformed.")
    COFFER_S3_CODE(AuthorizationQueryParametersError, 400,
                   "The authorization query parameters are malformed.")
    COFFER_S3_CODE(BadDigest, 400,
                   "The Content-MD5 or checksum value that you specified did not match what the "
                   "server received.")
    COFFER_S3_CODE(BadRequest, 400, "Bad Request")
    COFFER_S3_CODE(BucketAlreadyExists, 409, "The requested bucket name is not available.")
    COFFER_S3_CODE(BucketAlreadyOwnedByYou, 409,
                   "The bucket that you tried to create already exists, and you own it.")
    COFFER_S3_CODE(BucketNotEmpty, 409, "The bucket that you tried to delete is not empty.")
    COFFER_S3_CODE(EntityTooLarge, 400,
                   "Your proposed upload exceeds the maximum allowed object size.")
    COFFER_S3_CODE(EntityTooSmall, 400,
                   "Your proposed upload is smaller than the minimum allowed object size.")
    COFFER_S3_CODE(
        IncompleteBody, 400,
        "You did not provide the number of bytes specified by the Content-Length HTTP header.")
    COFFER_S3_CODE(InsufficientStorage, 507, "There is no room left for it.")
    COFFER_S3_CODE(InternalError, 500, "We encountered an internal error. Please try again.")
    COFFER_S3_CODE(InvalidAccessKeyId, 403,
                   "The AWS access key ID that you provided does not exist in our records.")
    COFFER_S3_CODE(InvalidArgument, 400, "Invalid Argument")
    COFFER_S3_CODE(InvalidBucketAclWithObjectOwnership, 400,
                   "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
    COFFER_S3_CODE(InvalidBucketName, 400, "The specified bucket is not valid.")
    COFFER_S3_CODE(InvalidBucketState, 409,
                   "The request is not valid for the current state of the bucket.")
    COFFER_S3_CODE(InvalidDigest, 400,
                   "The Content-MD5 or checksum value that you specified is not valid.")
    COFFER_S3_CODE(
        InvalidEncryptionAlgorithmError, 400,
        "The encryption request that you specified is not valid. The valid value is AES256.")
    COFFER_S3_CODE(
        InvalidPart, 400,
        "One or more of the specified parts could not be found. The part might not have been "
        "uploaded, or the specified entity tag might not have matched the part's entity tag.")
    COFFER_S3_CODE(InvalidPartNumber, 416, "The requested partnumber is not satisfiable.")
    COFFER_S3_CODE(InvalidPartOrder, 400,
                   "The list of parts was not in ascending order. The parts list must be specified "
                   "in order by part number.")
    COFFER_S3_CODE(
        InvalidPolicyDocument, 400,
        "The content of the form does not meet the conditions specified in the policy document.")
    COFFER_S3_CODE(InvalidRange, 416, "The requested range is not satisfiable.")
    COFFER_S3_CODE(InvalidRequest, 400, "Invalid Request")
    COFFER_S3_CODE(InvalidRetentionPeriod, 400,
                   "Default retention period must be a positive integer value.")
    COFFER_S3_CODE(InvalidTag, 400,
                   "The tag provided was not a valid tag. This error can occur if the tag did not "
                   "pass input validation.")
    COFFER_S3_CODE(InvalidToken, 400, "The provided token is malformed or otherwise not valid.")
    COFFER_S3_CODE(InvalidURI, 400, "The specified URI couldn't be parsed.")
    COFFER_S3_CODE(KeyTooLongError, 400, "Your key is too long.")
    COFFER_S3_CODE(MalformedACLError, 400,
                   "The XML that you provided was not well formed or did not validate against our "
                   "published schema.")
    COFFER_S3_CODE(MalformedPOSTRequest, 400,
                   "The body of your POST request is not well-formed multipart/form-data.")
    COFFER_S3_CODE(MalformedPolicy, 400, "This policy contains invalid Json")
    COFFER_S3_CODE(MalformedXML, 400,
                   "The XML that you provided was not well formed or did not validate against our "
                   "published schema.")
    COFFER_S3_CODE(MaxMessageLengthExceeded, 400, "Your request was too large.")
    COFFER_S3_CODE(MetadataTooLarge, 400,
                   "Your metadata headers exceed the maximum allowed metadata size.")
    COFFER_S3_CODE(MethodNotAllowed, 405,
                   "The specified method is not allowed against this resource.")
    COFFER_S3_CODE(MissingContentLength, 411, "You must provide the Content-Length HTTP header.")
    COFFER_S3_CODE(NoSuchBucket, 404, "The specified bucket does not exist.")
    COFFER_S3_CODE(NoSuchBucketPolicy, 404, "The bucket policy does not exist")
    COFFER_S3_CODE(NoSuchCORSConfiguration, 404, "The CORS configuration does not exist")
    COFFER_S3_CODE(NoSuchKey, 404, "The specified key does not exist.")
    COFFER_S3_CODE(NoSuchLifecycleConfiguration, 404, "The lifecycle configuration does not exist")
    COFFER_S3_CODE(NoSuchObjectLockConfiguration, 404,
                   "The specified object does not have a ObjectLock configuration")
    COFFER_S3_CODE(NoSuchPublicAccessBlockConfiguration, 404,
                   "The public access block configuration was not found")
    COFFER_S3_CODE(NoSuchTagSet, 404, "The TagSet does not exist")
    COFFER_S3_CODE(NoSuchUpload, 404,
                   "The specified multipart upload does not exist. The upload ID might not be "
                   "valid, or the multipart upload might have been aborted or completed.")
    COFFER_S3_CODE(NoSuchVersion, 404, "The specified version does not exist.")
    COFFER_S3_CODE(NoSuchWebsiteConfiguration, 404,
                   "The specified bucket does not have a website configuration")
    COFFER_S3_CODE(
        NotImplemented, 501,
        "A header or parameter that you provided implies functionality that is not implemented.")
    COFFER_S3_CODE(ObjectLockConfigurationNotFoundError, 404,
                   "Object Lock configuration does not exist for this bucket")
    COFFER_S3_CODE(OperationAborted, 409,
                   "A conflicting conditional operation is currently in progress against this "
                   "resource. Try again.")
    COFFER_S3_CODE(OwnershipControlsNotFoundError, 404,
                   "The bucket ownership controls were not found")
    COFFER_S3_CODE(PreconditionFailed, 412,
                   "At least one of the preconditions that you specified did not hold.")
    COFFER_S3_CODE(ReplicationConfigurationNotFoundError, 404,
                   "The replication configuration was not found")
    COFFER_S3_CODE(RequestHeaderSectionTooLarge, 400,
                   "Your request header section exceeds the maximum allowed size.")
    COFFER_S3_CODE(RequestTimeTooSkewed, 403,
                   "The difference between the request time and the server's time is too large.")
    COFFER_S3_CODE(RequestTimeout, 400,
                   "Your socket connection to the server was not read from or written to within "
                   "the timeout period.")
    COFFER_S3_CODE(ServerSideEncryptionConfigurationNotFoundError, 404,
                   "The server side encryption configuration was not found")
    COFFER_S3_CODE(ServiceUnavailable, 503, "Service is unable to handle request.")
    COFFER_S3_CODE(SignatureDoesNotMatch, 403,
                   "The request signature that we calculated does not match the signature that you "
                   "provided. Check your AWS secret access key and signing method.")
    COFFER_S3_CODE(SlowDown, 503, "Please reduce your request rate.")
    COFFER_S3_CODE(TooManyBuckets, 400, "You have attempted to create more buckets than allowed.")
    COFFER_S3_CODE(UnexpectedContent, 400, "This request does not support content.")
    COFFER_S3_CODE(UnresolvableGrantByEmailAddress, 400,
                   "The email address that you provided does not match any account on record.")
    COFFER_S3_CODE(XAmzContentSHA256Mismatch, 400,
                   "The provided 'x-amz-content-sha256' header does not match what was computed.")
  }
#undef COFFER_S3_CODE
  __builtin_unreachable();
}

Reply error_reply(const RequestHead& head, const S3Error& error) {
  const S3CodeText& text = text_of(error.code);
  Reply reply;
  reply.status = text.status;
  if (text.status == 503) reply.add("Retry-After", "1");
  for (const auto& [name, value] : error.headers) reply.add(name, value);
  if (text.status == 304) return reply;
  XmlWriter xml;
  xml.open("Error");
  xml.element("Code", text.name);
  xml.element("Message", error.message.empty() ? text.message : std::string_view(error.message));
  for (const auto& [name, value] : error.details) xml.element(name, value);
  // Encoded: a key may hold what no XML document can.
  const auto path = percent_decode(head.path(), Plus::Literal);
  xml.element("Resource", path ? percent_encode(*path, Slash::Keep) : std::string());
  xml.element("RequestId", head.request_id());
  xml.element("HostId", "coffer");
  xml.close("Error");
  reply.add("Content-Type", "application/xml");
  reply.body = std::move(xml).text();
  return reply;
}

}  // namespace coffer::gateway
