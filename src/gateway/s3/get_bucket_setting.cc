/// Settings that a bucket here does not have, answered as AWS answers for a bucket without them.

#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

struct Absent {
  std::string_view parameter, action;
  S3Code code;
};
constexpr Absent kAbsent[] = {
    {"replication", "s3:GetReplicationConfiguration",
     S3Code::ReplicationConfigurationNotFoundError},
    {"website", "s3:GetBucketWebsite", S3Code::NoSuchWebsiteConfiguration},
};

struct Present {
  std::string_view parameter, action, document, content;
};
constexpr Present kPresent[] = {
    {"accelerate", "s3:GetAccelerateConfiguration", "AccelerateConfiguration", ""},
    {"logging", "s3:GetBucketLogging", "BucketLoggingStatus", ""},
    {"notification", "s3:GetBucketNotification", "NotificationConfiguration", ""},
    {"requestPayment", "s3:GetBucketRequestPayment", "RequestPaymentConfiguration",
     "<Payer>BucketOwner</Payer>"},
};

S3Result<void> authorize(S3Call& call, std::string_view action) {
  if (!call.may_do(action, AclPermission::None, nullptr)) return s3_fail(S3Code::AccessDenied);
  call.authorized = true;
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  return {};
}

S3Result<Reply> get_bucket_setting(S3Call& call) {
  for (const Absent& absent : kAbsent) {
    if (!call.query.has(absent.parameter)) continue;
    S3_TRY(authorize(call, absent.action));
    return s3_fail(S3Error{absent.code, {}, {{"BucketName", call.bucket}}});
  }
  for (const Present& present : kPresent) {
    if (!call.query.has(present.parameter)) continue;
    S3_TRY(authorize(call, present.action));
    XmlWriter xml;
    xml.open_document(present.document);
    xml.raw(present.content);
    xml.close(present.document);
    return xml_reply(std::move(xml));
  }
  return s3_fail(S3Code::NotImplemented);
}

S3Result<Reply> not_implemented(S3Call&) { return s3_fail(S3Code::NotImplemented); }
S3Result<Reply> method_not_allowed(S3Call&) { return s3_fail(S3Code::MethodNotAllowed); }

}  // namespace

const Operation kGetBucketSetting{.name = "GetBucketSetting",
                                  .check = Operation::Check::Itself,
                                  .action = "s3:GetBucketSetting",
                                  .run = get_bucket_setting};
const Operation kNotImplemented{.name = "NotImplemented",
                                .check = Operation::Check::Itself,
                                .action = "s3:NotImplemented",
                                .run = not_implemented};
const Operation kMethodNotAllowed{.name = "MethodNotAllowed",
                                  .check = Operation::Check::Itself,
                                  .action = "s3:MethodNotAllowed",
                                  .run = method_not_allowed};

}  // namespace coffer::gateway
