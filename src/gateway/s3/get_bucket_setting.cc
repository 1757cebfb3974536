/// Settings that a bucket here does not have, answered as AWS answers for a bucket without them; and the
/// ACLs, which AWS shows as the owner's full control where ACLs are off.

#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

void write_full_control(const S3Call& call, XmlWriter& xml) {
  xml.open_document("AccessControlPolicy");
  write_owner(call, "Owner", xml);
  xml.open("AccessControlList");
  xml.open("Grant");
  xml.raw(
      "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:type=\"CanonicalUser\">");
  xml.element("ID", call.service.owner_id);
  xml.element("DisplayName", "coffer");
  xml.close("Grantee");
  xml.element("Permission", "FULL_CONTROL");
  xml.close("Grant");
  xml.close("AccessControlList");
  xml.close("AccessControlPolicy");
}

struct Absent {
  std::string_view parameter;
  S3Code code;
};
constexpr Absent kAbsent[] = {
    {"cors", S3Code::NoSuchCORSConfiguration},
    {"lifecycle", S3Code::NoSuchLifecycleConfiguration},
    {"object-lock", S3Code::ObjectLockConfigurationNotFoundError},
    {"policy", S3Code::NoSuchBucketPolicy},
    {"policyStatus", S3Code::NoSuchBucketPolicy},
    {"replication", S3Code::ReplicationConfigurationNotFoundError},
    {"tagging", S3Code::NoSuchTagSet},
    {"website", S3Code::NoSuchWebsiteConfiguration},
};

struct Present {
  std::string_view parameter, document, content;
};
constexpr Present kPresent[] = {
    {"accelerate", "AccelerateConfiguration", ""},
    {"encryption", "ServerSideEncryptionConfiguration",
     "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
     "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"},
    {"logging", "BucketLoggingStatus", ""},
    {"notification", "NotificationConfiguration", ""},
    {"ownershipControls", "OwnershipControls",
     "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"},
    {"publicAccessBlock", "PublicAccessBlockConfiguration",
     "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
     "<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</"
     "RestrictPublicBuckets>"},
    {"requestPayment", "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"},
    {"versioning", "VersioningConfiguration", ""},
};

S3Result<Reply> get_bucket_setting(S3Call& call) {
  S3_TRY(require_bucket(call));
  for (const Absent& absent : kAbsent) {
    if (call.query.has(absent.parameter)) {
      S3Error error{absent.code, {}, {{"BucketName", call.bucket}}};
      return s3_fail(std::move(error));
    }
  }
  XmlWriter xml;
  if (call.query.has("acl")) write_full_control(call, xml);
  for (const Present& present : kPresent) {
    if (!call.query.has(present.parameter)) continue;
    xml.open_document(present.document);
    xml.raw(present.content);
    xml.close(present.document);
    break;
  }
  return xml_reply(std::move(xml));
}

S3Result<Reply> get_object_acl(S3Call& call) {
  const auto info = call.service.objects.head(call.bucket, call.key);
  if (!info) return s3_fail(call.failure(info.error(), Subject::Object));
  XmlWriter xml;
  write_full_control(call, xml);
  return xml_reply(std::move(xml));
}

S3Result<Reply> not_implemented(S3Call&) { return s3_fail(S3Code::NotImplemented); }
S3Result<Reply> method_not_allowed(S3Call&) { return s3_fail(S3Code::MethodNotAllowed); }

}  // namespace

const Operation kGetBucketSetting{.name = "GetBucketSetting", .run = get_bucket_setting};
const Operation kGetObjectAcl{.name = "GetObjectAcl", .run = get_object_acl};
const Operation kNotImplemented{.name = "NotImplemented", .run = not_implemented};
const Operation kMethodNotAllowed{.name = "MethodNotAllowed", .run = method_not_allowed};

}  // namespace coffer::gateway
