#include "coffer/vault/object_lock.h"
#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kDocument = "VersioningConfiguration";

S3Result<Reply> get_bucket_versioning(S3Call& call) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  XmlWriter xml;
  xml.open_document(kDocument);
  if (const auto status = call.access->setting(kVersioningSetting)) xml.element("Status", *status);
  xml.close(kDocument);
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_bucket_versioning(S3Call& call, std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, kDocument));
  // There are no devices that could confirm a deletion.
  if (document.child_text("MfaDelete").value_or("Disabled") != "Disabled")
    return s3_fail(S3Code::NotImplemented);
  const std::string_view status = document.child_text("Status").value_or("");
  if (status != "Enabled" && status != "Suspended") return s3_fail(S3Code::MalformedXML);
  if (status == "Suspended" && call.access && call.access->setting(setting::kObjectLock)) {
    return s3_fail(
        S3Code::InvalidBucketState,
        "An Object Lock configuration is present on this bucket, so the versioning state "
        "cannot be changed.");
  }
  S3_TRY(set_setting(call, kVersioningSetting, std::string(status)));
  call.changed();
  return empty_reply(200);
}

}  // namespace

const Operation kGetBucketVersioning{.name = "GetBucketVersioning",
                                     .action = "s3:GetBucketVersioning",
                                     .run = get_bucket_versioning};
const Operation kPutBucketVersioning{.name = "PutBucketVersioning",
                                     .effect = Operation::Effect::Write,
                                     .action = "s3:PutBucketVersioning",
                                     .run_body = put_bucket_versioning,
                                     .body_bytes_max = kSettingBodyBytesMax};

}  // namespace coffer::gateway
