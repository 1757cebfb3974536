#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> head_bucket(S3Call& call) {
  S3_TRY(require_bucket(call));
  Reply reply;
  reply.add("x-amz-bucket-region", call.service.region);
  reply.add("Content-Type", "application/xml");
  return reply;
}

}  // namespace

const Operation kHeadBucket{.name = "HeadBucket",
                            .action = "s3:ListBucket",
                            .acl = AclPermission::Read,
                            .run = head_bucket};

}  // namespace coffer::gateway
