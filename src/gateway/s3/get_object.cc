/// GetObject and HeadObject: one decision, with or without the body.

#include <algorithm>

#include "gateway/s3/byte_range.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/number.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

/// Streams from one snapshot: an overwrite during a GET does not show.
class ObjectSource final : public BodySource {
 public:
  ObjectSource(std::unique_ptr<ObjectReader> reader, std::optional<SealedReader> sealed)
      : reader_(std::move(reader)), sealed_(std::move(sealed)) {}
  Result<std::size_t> read(std::uint64_t offset, MutableBytes out) override {
    COFFER_ASSIGN(const std::size_t n, reader_->read(offset, out));
    if (sealed_) COFFER_TRY(sealed_->open(offset, out.first(n)));
    return n;
  }

 private:
  const std::unique_ptr<ObjectReader> reader_;
  std::optional<SealedReader> sealed_;
};

/// What of an object is asked for.
struct Extract {
  ByteRange range;
  std::map<std::string, std::string> part_checksums = {};  // where a part was asked for
};

S3Result<Extract> extract_of_part(const S3Call& call, const ObjectInfo& info,
                                  std::uint64_t number) {
  const auto parts = call.service.objects.object_parts(info);
  if (!parts) return s3_fail(call.failure(parts.error(), Subject::Object));
  if (parts->empty()) {
    if (number > 1) return s3_fail(S3Code::InvalidPart);
    const auto kind = info.size == 0 ? ByteRange::Kind::Whole : ByteRange::Kind::Part;
    return Extract{{kind, 0, info.size}};
  }
  std::uint64_t first = 0;
  for (const PartInfo& part : *parts) {
    if (part.number != number) {
      first += part.size;
      continue;
    }
    // Of no bytes there is no range.
    const auto kind = part.size == 0 ? ByteRange::Kind::Whole : ByteRange::Kind::Part;
    Extract extract{{kind, first, part.size}, part.checksums};
    if (const auto type = info.metadata.checksums.find("type");
        type != info.metadata.checksums.end())
      extract.part_checksums.insert(*type);
    return extract;
  }
  return s3_fail(S3Code::InvalidPart);
}

/// The part of the object that Range or partNumber asks for.
S3Result<Extract> wanted_extract(const S3Call& call, const ObjectInfo& info) {
  const Extract whole{{ByteRange::Kind::Whole, 0, info.size}};
  if (const auto part = call.query.find("partNumber")) {
    const auto number = parse_number(*part);
    if (!number || *number < 1 || *number > 10'000) {
      return s3_fail(S3Code::InvalidArgument,
                     "Part number must be an integer between 1 and 10000, inclusive");
    }
    return extract_of_part(call, info, *number);
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
  return Extract{wanted};
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
      add_version_header(call, info.version, reply);
      return reply;
    }
  }
  S3_ASSIGN(const Extract extract, wanted_extract(call, info));
  range = extract.range;
  Reply reply;
  const bool part = range.kind == ByteRange::Kind::Part;
  const bool checksums = call.header("x-amz-checksum-mode") == "ENABLED" && !part;
  add_object_headers(call, info, checksums ? ShowChecksums::Yes : ShowChecksums::No, reply);
  add_checksum_headers(extract.part_checksums, reply);
  add_version_header(call, info.version, reply);
  add_lock_headers(call, info, reply);
  if (call.version().empty()) add_expiration_header(call, info, reply);
  if (part) {
    reply.status = 206;
    reply.add("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                   std::to_string(range.first + range.length - 1) + "/" +
                                   std::to_string(info.size));
  }
  return reply;
}

/// How an object is kept is not for who reads it to say; and what is said of it only for who signs that.
S3Result<void> refuse_what_reads_may_not_ask(const S3Call& call) {
  const auto& all = call.query.all();
  const bool overrides = std::any_of(all.begin(), all.end(), [](const auto& parameter) {
    return parameter.name.starts_with("response-");
  });
  if (overrides && call.who.anonymous()) {
    return s3_fail(S3Code::InvalidRequest,
                   "Request specific response headers cannot be used for anonymous GET requests.");
  }
  if (!call.head.find("x-amz-server-side-encryption")) return {};
  return s3_fail(S3Code::InvalidArgument,
                 "x-amz-server-side-encryption header is not supported for this operation.");
}

S3Result<Reply> get_object(S3Call& call) {
  auto reader = call.service.objects.open_reader(call.bucket, call.key, call.version());
  if (!reader) return s3_fail(call.missing(reader.error()));
  S3_TRY(call.authorize(&(*reader)->info()));
  S3_TRY(refuse_what_reads_may_not_ask(call));
  ByteRange range;
  const ObjectInfo& info = (*reader)->info();
  S3_ASSIGN(const auto key,
            CustomerKey::require(call, CustomerKey::Of::Object, info.metadata.checksums));
  S3_ASSIGN(Reply reply, describe(call, info, range));
  if (reply.status == 304) return reply;
  std::optional<SealedReader> sealed;
  if (key) {
    S3_ASSIGN(sealed, SealedReader::create(call, info, *key));
  }
  reply.source = std::make_unique<ObjectSource>(std::move(*reader), std::move(sealed));
  reply.source_offset = range.first;
  reply.source_length = range.length;
  return reply;
}

S3Result<Reply> head_object(S3Call& call) {
  const auto info = call.service.objects.head(call.bucket, call.key, call.version());
  if (!info) return s3_fail(call.missing(info.error()));
  S3_TRY(call.authorize(&*info));
  S3_TRY(refuse_what_reads_may_not_ask(call));
  S3_TRY(CustomerKey::require(call, CustomerKey::Of::Object, info->metadata.checksums));
  ByteRange range;
  S3_ASSIGN(Reply reply, describe(call, *info, range));
  if (reply.status != 304) reply.length_only = range.length;
  return reply;
}

}  // namespace

const Operation kGetObject{.name = "GetObject",
                           .check = Operation::Check::Itself,
                           .action = "s3:GetObject",
                           .version_action = "s3:GetObjectVersion",
                           .acl = AclPermission::Read,
                           .run = get_object};
const Operation kHeadObject{.name = "HeadObject",
                            .check = Operation::Check::Itself,
                            .action = "s3:GetObject",
                            .version_action = "s3:GetObjectVersion",
                            .acl = AclPermission::Read,
                            .run = head_object};

}  // namespace coffer::gateway
