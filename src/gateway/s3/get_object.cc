/// GetObject and HeadObject: one decision, with or without the body.

#include "gateway/s3/byte_range.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/number.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

/// Streams from one snapshot: an overwrite during a GET does not show.
class ObjectSource final : public BodySource {
 public:
  explicit ObjectSource(std::unique_ptr<ObjectReader> reader) : reader_(std::move(reader)) {}
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    return reader_->read(offset, out);
  }

 private:
  const std::unique_ptr<ObjectReader> reader_;
};

S3Result<void> check_version(const S3Call& call) {
  // Without versioning every object has the one version "null".
  const auto version = call.query.find("versionId");
  if (!version || *version == "null") return {};
  return s3_fail(S3Code::NoSuchVersion);
}

/// The part of the object that Range or partNumber asks for.
S3Result<ByteRange> wanted_range(const S3Call& call, const ObjectInfo& info) {
  const ByteRange whole{ByteRange::Kind::Whole, 0, info.size};
  if (const auto part = call.query.find("partNumber")) {
    const auto number = parse_number(*part);
    if (!number || *number < 1 || *number > 10'000) {
      return s3_fail(S3Code::InvalidArgument,
                     "Part number must be an integer between 1 and 10000, inclusive");
    }
    if (info.metadata.parts > 1) return s3_fail(S3Code::NotImplemented);
    if (*number > 1) return s3_fail(S3Code::InvalidPartNumber);
    if (info.size == 0) return whole;
    return ByteRange{ByteRange::Kind::Part, 0, info.size};
  }
  const auto range = call.head.find("range");
  if (!range) return whole;
  if (const auto unless = call.head.find("if-range")) {
    const auto date = parse_http_date(*unless);
    const bool same = date ? info.modified.seconds <= *date : bare_etag(*unless) == info.etag;
    if (!same) return whole;
  }
  const ByteRange wanted = parse_range(*range, info.size);
  if (wanted.kind == ByteRange::Kind::Unsatisfiable) {
    S3Error error{S3Code::InvalidRange, {}, {}};
    error.details.emplace_back("RangeRequested", std::string(*range));
    error.details.emplace_back("ActualObjectSize", std::to_string(info.size));
    error.headers.emplace_back("Content-Range", "bytes */" + std::to_string(info.size));
    return s3_fail(std::move(error));
  }
  return wanted;
}

/// Everything of the reply but its body. 304 and errors of conditions included.
S3Result<Reply> describe(const S3Call& call, const ObjectInfo& info, ByteRange& range) {
  switch (evaluate(read_conditions(call), info.etag, info.modified.seconds)) {
    case Verdict::Proceed:
      break;
    case Verdict::Failed:
      return s3_fail(S3Code::PreconditionFailed);
    case Verdict::NotModified: {
      Reply reply = empty_reply(304);
      reply.add("ETag", quoted_etag(info.etag));
      reply.add("Last-Modified", format_http_date(info.modified.seconds));
      return reply;
    }
  }
  S3_ASSIGN(range, wanted_range(call, info));
  Reply reply;
  const bool part = range.kind == ByteRange::Kind::Part;
  const bool checksums = call.header("x-amz-checksum-mode") == "ENABLED" && !part;
  add_object_headers(call, info, checksums ? ShowChecksums::Yes : ShowChecksums::No, reply);
  if (part) {
    reply.status = 206;
    reply.add("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                   std::to_string(range.first + range.length - 1) + "/" +
                                   std::to_string(info.size));
  }
  return reply;
}

S3Result<Reply> get_object(S3Call& call) {
  S3_TRY(check_version(call));
  S3_TRY(refuse_unserved(call));
  auto reader = call.service.objects.open_reader(call.bucket, call.key);
  if (!reader) return s3_fail(call.failure(reader.error(), Subject::Object));
  ByteRange range;
  S3_ASSIGN(Reply reply, describe(call, (*reader)->info(), range));
  if (reply.status == 304) return reply;
  reply.source = std::make_unique<ObjectSource>(std::move(*reader));
  reply.source_offset = range.first;
  reply.source_length = range.length;
  return reply;
}

S3Result<Reply> head_object(S3Call& call) {
  S3_TRY(check_version(call));
  S3_TRY(refuse_unserved(call));
  const auto info = call.service.objects.head(call.bucket, call.key);
  if (!info) return s3_fail(call.failure(info.error(), Subject::Object));
  ByteRange range;
  S3_ASSIGN(Reply reply, describe(call, *info, range));
  if (reply.status != 304) reply.length_only = range.length;
  return reply;
}

}  // namespace

const Operation kGetObject{.name = "GetObject", .run = get_object};
const Operation kHeadObject{.name = "HeadObject", .run = head_object};

}  // namespace coffer::gateway
