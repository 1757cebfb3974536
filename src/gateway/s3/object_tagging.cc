#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/object_update.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_object_tagging(S3Call& call) {
  S3_ASSIGN(const ObjectInfo info, find_authorized(call));
  XmlWriter xml;
  write_tagging(info.metadata.tags, xml);
  Reply reply = xml_reply(std::move(xml));
  add_version_header(call, info.version, reply);
  return reply;
}

S3Result<Reply> put_object_tagging(S3Call& call, std::string_view body) {
  // Before it is asked who may: policies speak of the tags. What is wrong with them is told to who may.
  const auto tags = parse_tagging(body, kObjectTagsMax);
  if (tags) call.tags_in_body = *tags;
  return update_object(call, [&](const ObjectInfo&) -> S3Result<ObjectUpdate> {
    if (!tags) return s3_fail(tags.error());
    ObjectUpdate update;
    update.tags = *tags;
    return update;
  });
}

S3Result<Reply> delete_object_tagging(S3Call& call) {
  S3_ASSIGN(Reply reply, update_object(call, [](const ObjectInfo&) -> S3Result<ObjectUpdate> {
              ObjectUpdate update;
              update.tags = Tags{};
              return update;
            }));
  reply.status = 204;
  return reply;
}

}  // namespace

const Operation kGetObjectTagging{.name = "GetObjectTagging",
                                  .check = Operation::Check::Itself,
                                  .action = "s3:GetObjectTagging",
                                  .version_action = "s3:GetObjectVersionTagging",
                                  .run = get_object_tagging};
const Operation kPutObjectTagging{.name = "PutObjectTagging",
                                  .effect = Operation::Effect::Write,
                                  .check = Operation::Check::Itself,
                                  .action = "s3:PutObjectTagging",
                                  .version_action = "s3:PutObjectVersionTagging",
                                  .run_body = put_object_tagging,
                                  .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteObjectTagging{.name = "DeleteObjectTagging",
                                     .effect = Operation::Effect::Write,
                                     .check = Operation::Check::Itself,
                                     .action = "s3:DeleteObjectTagging",
                                     .version_action = "s3:DeleteObjectVersionTagging",
                                     .run = delete_object_tagging};

}  // namespace coffer::gateway
