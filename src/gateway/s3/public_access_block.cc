#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kDocument = "PublicAccessBlockConfiguration";

S3Result<Reply> get_public_access_block(S3Call& call) {
  S3_TRY(require_setting(call, setting::kPublicAccessBlock,
                         S3Code::NoSuchPublicAccessBlockConfiguration));
  const PublicAccessBlock& block = call.access->block;
  XmlWriter xml;
  xml.open_document(kDocument);
  xml.flag("BlockPublicAcls", block.block_acls);
  xml.flag("IgnorePublicAcls", block.ignore_acls);
  xml.flag("BlockPublicPolicy", block.block_policy);
  xml.flag("RestrictPublicBuckets", block.restrict_buckets);
  xml.close(kDocument);
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_public_access_block(S3Call& call, std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, kDocument));
  PublicAccessBlock block;
  const auto read = [&](std::string_view name, bool& flag) {
    const std::string_view text = document.child_text(name).value_or("false");
    flag = text == "true" || text == "TRUE" || text == "True";
    return flag || text == "false" || text == "FALSE" || text == "False";
  };
  const bool valid = read("BlockPublicAcls", block.block_acls) &&
                     read("IgnorePublicAcls", block.ignore_acls) &&
                     read("BlockPublicPolicy", block.block_policy) &&
                     read("RestrictPublicBuckets", block.restrict_buckets);
  if (!valid) return s3_fail(S3Code::MalformedXML);
  S3_TRY(set_setting(call, setting::kPublicAccessBlock, encode_public_access_block(block)));
  return empty_reply(200);
}

S3Result<Reply> delete_public_access_block(S3Call& call) {
  S3_TRY(set_setting(call, setting::kPublicAccessBlock, std::nullopt));
  return empty_reply(204);
}

}  // namespace

const Operation kGetPublicAccessBlock{.name = "GetPublicAccessBlock",
                                      .action = "s3:GetBucketPublicAccessBlock",
                                      .run = get_public_access_block};
const Operation kPutPublicAccessBlock{.name = "PutPublicAccessBlock",
                                      .effect = Operation::Effect::Write,
                                      .action = "s3:PutBucketPublicAccessBlock",
                                      .run_body = put_public_access_block,
                                      .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeletePublicAccessBlock{.name = "DeletePublicAccessBlock",
                                         .effect = Operation::Effect::Write,
                                         .action = "s3:PutBucketPublicAccessBlock",
                                         .run = delete_public_access_block};

}  // namespace coffer::gateway
