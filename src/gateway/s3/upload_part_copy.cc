#include <vector>

#include "gateway/s3/byte_range.h"
#include "gateway/s3/checksum.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/copy_source.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/part_number.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{1} << 20;

S3Result<ByteRange> source_range(const S3Call& call, std::uint64_t size) {
  const auto text = call.head.find("x-amz-copy-source-range");
  if (!text) return ByteRange{ByteRange::Kind::Whole, 0, size};
  const ByteRange range = parse_range(*text, size);
  // Only "bytes=first-last" is allowed here, and all of it has to be there.
  const std::size_t dash = text->find('-');
  const auto last =
      dash == std::string_view::npos ? std::nullopt : parse_number(text->substr(dash + 1));
  if (range.kind != ByteRange::Kind::Part || !last || *last >= size ||
      range.first + range.length != *last + 1) {
    return s3_fail(
        S3Code::InvalidArgument,
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
        "last are the zero-based offsets of the first and last bytes to copy");
  }
  return range;
}

S3Result<ObjectMetadata> copy_bytes(const S3Call& call, ObjectReader& reader,
                                    const ByteRange& range, ObjectWriter& writer) {
  Digest md5(Digest::Kind::Md5);
  std::vector<std::byte> window(kWindowBytes);
  for (std::uint64_t done = 0; done < range.length;) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, range.length - done));
    const MutableBytes piece = MutableBytes(window).first(wanted);
    const auto n = reader.read(range.first + done, piece);
    if (!n) return s3_fail(call.failure(n.error(), Subject::Object));
    if (*n != wanted) return s3_fail(S3Code::InternalError);
    md5.update(piece);
    const auto written = writer.write(piece);
    if (!written) return s3_fail(call.failure(written.error(), Subject::Upload));
    done += wanted;
  }
  ObjectMetadata metadata;
  metadata.etag = to_hex(md5.finish());
  return metadata;
}

S3Result<Reply> upload_part_copy(S3Call& call) {
  S3_ASSIGN(const std::uint32_t number, part_number(call));
  S3_ASSIGN(const CopySource source, copy_source(call));
  auto writer =
      call.service.objects.begin_part(call.bucket, call.key, call.parameter("uploadId"), number);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Upload));
  auto reader = call.service.objects.open_reader(source.bucket, source.key);
  if (!reader) return s3_fail(copy_source_failure(call, source, reader.error()));
  if (!copy_source_holds(call, (*reader)->info())) return s3_fail(S3Code::PreconditionFailed);
  S3_ASSIGN(const ByteRange range, source_range(call, (*reader)->info().size));
  S3_ASSIGN(ObjectMetadata metadata, copy_bytes(call, **reader, range, **writer));
  const std::string etag = metadata.etag;
  const auto info = (*writer)->commit(std::move(metadata), {}, call.service.durability);
  if (!info) return s3_fail(call.failure(info.error(), Subject::Upload));
  XmlWriter xml;
  xml.open_document("CopyPartResult");
  xml.element("LastModified", iso_date(info->modified));
  xml.element("ETag", quoted_etag(etag));
  xml.close("CopyPartResult");
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kUploadPartCopy{
    .name = "UploadPartCopy", .effect = Operation::Effect::Write, .run = upload_part_copy};

}  // namespace coffer::gateway
