/// GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl.

#include "gateway/s3/acl_request.h"
#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/object_update.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_bucket_acl(S3Call& call) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  XmlWriter xml;
  write_acl(call, call.access->owner, call.access->acl, xml);
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_bucket_acl(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  const std::string& owner = call.access->owner;
  S3_ASSIGN(const Acl acl, acl_of_request(call, {owner, {}}, body));
  S3_TRY(check_acl(call, acl));
  S3_TRY(set_setting(call, setting::kAcl, encode_acl(acl)));
  return empty_reply(200);
}

S3Result<Reply> get_object_acl(S3Call& call) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  S3_ASSIGN(const ObjectInfo info, find_authorized(call));
  const auto access = ObjectAccess::read(info.metadata, *call.access);
  if (!access) return s3_fail(S3Code::InternalError);
  XmlWriter xml;
  write_acl(call, access->owner, access->acl, xml);
  Reply reply = xml_reply(std::move(xml));
  add_version_header(call, info.version, reply);
  return reply;
}

S3Result<Reply> put_object_acl(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  return update_object(call, [&](const ObjectInfo& info) -> S3Result<ObjectUpdate> {
    const std::string owner = owner_of(call, info);
    S3_ASSIGN(const Acl acl, acl_of_request(call, {owner, call.access->owner}, body));
    S3_TRY(check_acl(call, acl));
    ObjectUpdate update;
    update.properties = info.metadata.properties;
    update.properties->erase(property::kAcl);
    if (acl != private_acl(owner)) update.properties->emplace(property::kAcl, encode_acl(acl));
    return update;
  });
}

}  // namespace

const Operation kGetBucketAcl{.name = "GetBucketAcl",
                              .action = "s3:GetBucketAcl",
                              .acl = AclPermission::ReadAcp,
                              .run = get_bucket_acl};
const Operation kPutBucketAcl{.name = "PutBucketAcl",
                              .effect = Operation::Effect::Write,
                              .action = "s3:PutBucketAcl",
                              .acl = AclPermission::WriteAcp,
                              .run_body = put_bucket_acl,
                              .body_bytes_max = kSettingBodyBytesMax};
const Operation kGetObjectAcl{.name = "GetObjectAcl",
                              .check = Operation::Check::Itself,
                              .action = "s3:GetObjectAcl",
                              .version_action = "s3:GetObjectVersionAcl",
                              .acl = AclPermission::ReadAcp,
                              .run = get_object_acl};
const Operation kPutObjectAcl{.name = "PutObjectAcl",
                              .effect = Operation::Effect::Write,
                              .check = Operation::Check::Itself,
                              .action = "s3:PutObjectAcl",
                              .version_action = "s3:PutObjectVersionAcl",
                              .acl = AclPermission::WriteAcp,
                              .run_body = put_object_acl,
                              .body_bytes_max = kSettingBodyBytesMax};

}  // namespace coffer::gateway
