#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_ownership_controls(S3Call& call) {
  S3_ASSIGN(const std::string ownership,
            require_setting(call, setting::kOwnership, S3Code::OwnershipControlsNotFoundError));
  XmlWriter xml;
  xml.open_document("OwnershipControls");
  xml.open("Rule");
  xml.element("ObjectOwnership", ownership);
  xml.close("Rule");
  xml.close("OwnershipControls");
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_ownership_controls(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  S3_ASSIGN(const XmlElement document, parse_xml(body, "OwnershipControls"));
  const XmlElement* const rule = document.child("Rule");
  if (rule == nullptr || document.children.size() != 1) return s3_fail(S3Code::MalformedXML);
  const std::string_view name = rule->child_text("ObjectOwnership").value_or("");
  const auto ownership = ownership_of(name);
  if (!ownership) return s3_fail(S3Code::MalformedXML);
  // ACLs that grant something to others would silently stop to hold.
  if (*ownership == Ownership::BucketOwnerEnforced &&
      call.access->acl != private_acl(call.access->owner)) {
    return s3_fail(S3Code::InvalidBucketAclWithObjectOwnership);
  }
  S3_TRY(set_setting(call, setting::kOwnership, std::string(name)));
  return empty_reply(200);
}

S3Result<Reply> delete_ownership_controls(S3Call& call) {
  S3_TRY(set_setting(call, setting::kOwnership, std::nullopt));
  return empty_reply(204);
}

}  // namespace

const Operation kGetOwnershipControls{.name = "GetBucketOwnershipControls",
                                      .action = "s3:GetBucketOwnershipControls",
                                      .run = get_ownership_controls};
const Operation kPutOwnershipControls{.name = "PutBucketOwnershipControls",
                                      .effect = Operation::Effect::Write,
                                      .action = "s3:PutBucketOwnershipControls",
                                      .run_body = put_ownership_controls,
                                      .body_bytes_max = kSettingBodyBytesMax};
const Operation kDeleteOwnershipControls{.name = "DeleteBucketOwnershipControls",
                                         .effect = Operation::Effect::Write,
                                         .action = "s3:PutBucketOwnershipControls",
                                         .run = delete_ownership_controls};

}  // namespace coffer::gateway
