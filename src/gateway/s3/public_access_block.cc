#include <algorithm>
#include <array>
#include <set>

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
  const std::array<std::pair<std::string_view, bool*>, 4> flags{
      {{"BlockPublicAcls", &block.block_acls},
       {"IgnorePublicAcls", &block.ignore_acls},
       {"BlockPublicPolicy", &block.block_policy},
       {"RestrictPublicBuckets", &block.restrict_buckets}}};
  // One that is misspelt, or there twice, would silently be off.
  std::set<std::string_view> seen;
  for (const XmlElement& child : document.children) {
    const auto flag = std::find_if(flags.begin(), flags.end(),
                                   [&](const auto& known) { return known.first == child.name; });
    const std::string_view text = child.text;
    const bool on = text == "true" || text == "TRUE" || text == "True";
    const bool off = text == "false" || text == "FALSE" || text == "False";
    if (flag == flags.end() || (!on && !off) || !seen.insert(child.name).second)
      return s3_fail(S3Code::MalformedXML);
    *flag->second = on;
  }
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
