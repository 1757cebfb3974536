#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

S3Result<Reply> list_buckets(S3Call& call) {
  const auto buckets = call.service.objects.buckets();
  if (!buckets) return s3_fail(call.failure(buckets.error(), Subject::Bucket));
  const std::string_view prefix = call.parameter("prefix");
  XmlWriter xml;
  xml.open_document("ListAllMyBucketsResult");
  write_owner(call, "Owner", xml);
  xml.open("Buckets");
  for (const BucketInfo& bucket : *buckets) {
    if (!allowed(call.who, bucket.name, Operation::Effect::Read)) continue;
    if (!bucket.name.starts_with(prefix)) continue;
    xml.open("Bucket");
    xml.element("Name", bucket.name);
    xml.element("CreationDate", iso_date(bucket.created));
    xml.close("Bucket");
  }
  xml.close("Buckets");
  xml.close("ListAllMyBucketsResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListBuckets{.name = "ListBuckets", .run = list_buckets};

}  // namespace coffer::gateway
