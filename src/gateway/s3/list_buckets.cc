#include <algorithm>

#include "gateway/s3/acl_request.h"
#include "gateway/s3/number.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

constexpr std::uint64_t kBucketsMax = 10'000;

struct Page {
  std::string_view prefix, after;
  std::uint64_t buckets_max = kBucketsMax;
};

S3Result<Page> asked_page(const S3Call& call) {
  Page page{call.parameter("prefix"), call.parameter("continuation-token")};
  if (const auto text = call.query.find("max-buckets")) {
    const auto number = parse_number(*text);
    if (!number || *number < 1 || *number > kBucketsMax) {
      return s3_fail(S3Code::InvalidArgument,
                     "Argument max-buckets must be an integer between 1 and 10000");
    }
    page.buckets_max = *number;
  }
  return page;
}

bool is_shown(const S3Call& call, const BucketInfo& bucket, const Page& page) {
  if (!allowed(call.key_scope, bucket.name, Operation::Effect::Read)) return false;
  if (!bucket.name.starts_with(page.prefix) || bucket.name <= page.after) return false;
  const auto owner = bucket.settings->find(setting::kOwner);
  return (owner == bucket.settings->end() ? call.service.owner_id : owner->second) == call.who.id;
}

S3Result<Reply> list_buckets(S3Call& call) {
  call.authorized = true;  // who is nobody owns nothing
  auto buckets = call.service.objects.buckets();
  if (!buckets) return s3_fail(call.failure(buckets.error(), Subject::Bucket));
  S3_ASSIGN(const Page page, asked_page(call));
  std::sort(buckets->begin(), buckets->end(),
            [](const BucketInfo& a, const BucketInfo& b) { return a.name < b.name; });
  XmlWriter xml;
  xml.open_document("ListAllMyBucketsResult");
  write_owner(call, "Owner", call.who.anonymous() ? kAnonymousOwner : std::string_view(call.who.id),
              xml);
  xml.open("Buckets");
  std::size_t count = 0;
  std::string last;
  bool more = false;
  for (const BucketInfo& bucket : *buckets) {
    if (!is_shown(call, bucket, page)) continue;
    more = count++ == page.buckets_max;
    if (more) break;
    last = bucket.name;
    xml.open("Bucket");
    xml.element("Name", bucket.name);
    xml.element("CreationDate", iso_date(bucket.created));
    xml.close("Bucket");
  }
  xml.close("Buckets");
  if (more) xml.element("ContinuationToken", last);
  if (!page.prefix.empty()) xml.element("Prefix", page.prefix);
  xml.close("ListAllMyBucketsResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kListBuckets{.name = "ListBuckets",
                             .check = Operation::Check::Itself,
                             .action = "s3:ListAllMyBuckets",
                             .run = list_buckets};

}  // namespace coffer::gateway
