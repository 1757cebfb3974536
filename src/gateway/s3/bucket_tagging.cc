#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_bucket_tagging(S3Call& call) {
  S3_ASSIGN(const std::string text, require_setting(call, setting::kTagging, S3Code::NoSuchTagSet));
  S3_ASSIGN(const Tags tags, tags_of_header(text));
  XmlWriter xml;
  write_tagging(tags, xml);
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_bucket_tagging(S3Call& call, std::string_view body) {
  S3_ASSIGN(const Tags tags, parse_tagging(body, kBucketTagsMax));
  S3_TRY(set_setting(call, setting::kTagging, header_of_tags(tags)));
  return empty_reply(204);
}

S3Result<Reply> delete_bucket_tagging(S3Call& call) {
  S3_TRY(set_setting(call, setting::kTagging, std::nullopt));
  return empty_reply(204);
}

}  // namespace

const Operation kGetBucketTagging{
    .name = "GetBucketTagging", .action = "s3:GetBucketTagging", .run = get_bucket_tagging};
const Operation kPutBucketTagging{.name = "PutBucketTagging",
                                  .effect = Operation::Effect::Write,
                                  .action = "s3:PutBucketTagging",
                                  .run_body = put_bucket_tagging,
                                  .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteBucketTagging{.name = "DeleteBucketTagging",
                                     .effect = Operation::Effect::Write,
                                     .action = "s3:PutBucketTagging",
                                     .run = delete_bucket_tagging};

}  // namespace coffer::gateway
