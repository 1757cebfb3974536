#include "gateway/s3/bucket_name.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> create_bucket(S3Call& call, std::string_view body) {
  if (!is_bucket_name(call.bucket)) return s3_fail(S3Code::InvalidBucketName);
  S3_TRY(refuse_unserved(call));
  if (call.header("x-amz-bucket-object-lock-enabled") == "true") {
    return s3_fail(S3Code::NotImplemented);
  }
  // The location constraint is read for its form only: there are no regions here.
  if (!body.empty()) S3_TRY(parse_xml(body, "CreateBucketConfiguration"));
  const auto created = call.service.objects.create_bucket(call.bucket, call.service.durability);
  if (!created) {
    // In us-east-1 AWS answers the owner's second creation with 200.
    const bool again = created.error().code == Errc::Exists && call.service.region == "us-east-1";
    if (!again) return s3_fail(call.failure(created.error(), Subject::Bucket));
  } else {
    call.changed();
  }
  Reply reply;
  reply.add("Location", "/" + call.bucket);
  return reply;
}

}  // namespace

const Operation kCreateBucket{.name = "CreateBucket",
                              .effect = Operation::Effect::Write,
                              .run_body = create_bucket,
                              .body_bytes_max = 64 * 1024};

}  // namespace coffer::gateway
