#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> get_bucket_location(S3Call& call) {
  S3_TRY(require_bucket(call));
  XmlWriter xml;
  xml.open_document("LocationConstraint");
  // AWS: us-east-1 has the empty name.
  if (call.service.region != "us-east-1") xml.raw(call.service.region);
  xml.close("LocationConstraint");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kGetBucketLocation{
    .name = "GetBucketLocation", .action = "s3:GetBucketLocation", .run = get_bucket_location};

}  // namespace coffer::gateway
