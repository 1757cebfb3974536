/// The default encryption of a bucket. The vault encrypts everything, whatever is set; AES256 says so, and keys of
/// a key management service (aws:kms) are not served.

#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kDocument = "ServerSideEncryptionConfiguration";

S3Result<Reply> get_bucket_encryption(S3Call& call) {
  S3_ASSIGN(const std::string algorithm,
            require_setting(call, setting::kEncryption,
                            S3Code::ServerSideEncryptionConfigurationNotFoundError));
  XmlWriter xml;
  xml.open_document(kDocument);
  xml.open("Rule");
  xml.open("ApplyServerSideEncryptionByDefault");
  xml.element("SSEAlgorithm", algorithm);
  xml.close("ApplyServerSideEncryptionByDefault");
  xml.flag("BucketKeyEnabled", false);
  xml.close("Rule");
  xml.close(kDocument);
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_bucket_encryption(S3Call& call, std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, kDocument));
  const XmlElement* const rule = document.child("Rule");
  if (rule == nullptr || document.children.size() != 1) return s3_fail(S3Code::MalformedXML);
  const XmlElement* const by_default = rule->child("ApplyServerSideEncryptionByDefault");
  if (by_default == nullptr) return s3_fail(S3Code::MalformedXML);
  const std::string_view algorithm = by_default->child_text("SSEAlgorithm").value_or("");
  const bool kms = algorithm == "aws:kms" || algorithm == "aws:kms:dsse";
  if (kms) return s3_fail(S3Code::NotImplemented);
  if (algorithm != "AES256") return s3_fail(S3Code::MalformedXML);
  if (by_default->child("KMSMasterKeyID") != nullptr) return s3_fail(S3Code::InvalidArgument);
  S3_TRY(set_setting(call, setting::kEncryption, std::string(algorithm)));
  return empty_reply(200);
}

S3Result<Reply> delete_bucket_encryption(S3Call& call) {
  S3_TRY(set_setting(call, setting::kEncryption, std::nullopt));
  return empty_reply(204);
}

}  // namespace

const Operation kGetBucketEncryption{.name = "GetBucketEncryption",
                                     .action = "s3:GetEncryptionConfiguration",
                                     .run = get_bucket_encryption};
const Operation kPutBucketEncryption{.name = "PutBucketEncryption",
                                     .effect = Operation::Effect::Write,
                                     .action = "s3:PutEncryptionConfiguration",
                                     .run_body = put_bucket_encryption,
                                     .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteBucketEncryption{.name = "DeleteBucketEncryption",
                                        .effect = Operation::Effect::Write,
                                        .action = "s3:PutEncryptionConfiguration",
                                        .run = delete_bucket_encryption};

}  // namespace coffer::gateway
