#include "gateway/s3/acl_request.h"
#include "gateway/s3/bucket_name.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

/// Owner, ACL and ownership of the new bucket, as the headers want them.
S3Result<BucketSettings> first_settings(const S3Call& call) {
  BucketSettings settings;
  if (call.who.id != call.service.owner_id) settings[setting::kOwner] = call.who.id;
  BucketAccess access;
  access.owner = call.who.id;
  if (const auto ownership = call.head.find("x-amz-object-ownership")) {
    const auto known = ownership_of(*ownership);
    if (!known) return s3_fail(S3Code::InvalidArgument);
    access.ownership = *known;
    settings[setting::kOwnership] = std::string(*ownership);
  }
  if (call.header_says_true("x-amz-bucket-object-lock-enabled")) {
    settings[setting::kObjectLock] = encode_object_lock(std::nullopt);
    settings[kVersioningSetting] = "Enabled";
  }
  S3_ASSIGN(const auto acl, acl_of_headers(call, {call.who.id, {}}));
  if (!acl || *acl == private_acl(call.who.id)) return settings;
  if (access.ownership == Ownership::BucketOwnerEnforced)
    return s3_fail(S3Code::InvalidBucketAclWithObjectOwnership);
  settings[setting::kAcl] = encode_acl(*acl);
  return settings;
}

/// In us-east-1 AWS answers the owner's second creation with 200, where it asks for what is there.
S3Result<void> same_again(const S3Call& call, const BucketSettings& wanted) {
  if (!call.access || call.access->owner != call.who.id)
    return s3_fail(S3Code::BucketAlreadyExists);
  const auto acl = wanted.find(setting::kAcl);
  const auto present = call.access->setting(setting::kAcl);
  const bool same = acl == wanted.end() ? call.access->acl == private_acl(call.who.id)
                                        : present == std::string_view(acl->second);
  if (!same) return s3_fail(S3Code::BucketAlreadyExists);
  if (call.service.region != "us-east-1") return s3_fail(S3Code::BucketAlreadyOwnedByYou);
  return {};
}

S3Result<Reply> create_bucket(S3Call& call, std::string_view body) {
  if (call.who.anonymous()) return s3_fail(S3Code::AccessDenied);
  call.authorized = true;
  if (!is_bucket_name(call.bucket)) return s3_fail(S3Code::InvalidBucketName);
  S3_TRY(refuse_unserved(call));
  // The location constraint is read for its form only: there are no regions here.
  if (!body.empty()) {
    S3_ASSIGN(const XmlElement configuration, parse_xml(body, "CreateBucketConfiguration"));
    if (configuration.child("Tags") != nullptr) return s3_fail(S3Code::NotImplemented);
  }
  S3_ASSIGN(const BucketSettings settings, first_settings(call));
  const auto created =
      call.service.objects.create_bucket(call.bucket, call.service.durability, settings);
  if (created) {
    call.changed();
  } else {
    if (created.error().code != Errc::Exists)
      return s3_fail(call.failure(created.error(), Subject::Bucket));
    // It may have come since the request was let in.
    S3_ASSIGN(call.access, bucket_access(call.service, call.bucket));
    S3_TRY(same_again(call, settings));
  }
  Reply reply;
  reply.add("Location", "/" + call.bucket);
  return reply;
}

}  // namespace

const Operation kCreateBucket{.name = "CreateBucket",
                              .effect = Operation::Effect::Write,
                              .check = Operation::Check::Itself,
                              .action = "s3:CreateBucket",
                              .run_body = create_bucket,
                              .body_bytes_max = 64 * 1024};

}  // namespace coffer::gateway
