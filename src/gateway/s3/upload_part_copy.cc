#include <limits>
#include <vector>

#include "gateway/s3/byte_range.h"
#include "gateway/s3/checksum.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/copy_bytes.h"
#include "gateway/s3/copy_source.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/part_number.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{1} << 20;

S3Result<ByteRange> source_range(const S3Call& call, std::uint64_t size) {
  const auto text = call.head.find("x-amz-copy-source-range");
  if (!text) return ByteRange{ByteRange::Kind::Whole, 0, size};
  // Only "bytes=first-last" is allowed here, and all of it has to be there.
  const std::size_t dash = text->find('-');
  const std::uint64_t last = dash == std::string_view::npos
                                 ? std::numeric_limits<std::uint64_t>::max()
                                 : parse_number(text->substr(dash + 1))
                                       .value_or(std::numeric_limits<std::uint64_t>::max());
  const bool form =
      text->starts_with("bytes=") && dash > 6 && last != std::numeric_limits<std::uint64_t>::max();
  const ByteRange range = parse_range(*text, size);
  if (form && last >= size) return s3_fail(S3Code::InvalidRange);
  if (!form || range.kind != ByteRange::Kind::Part || range.first + range.length != last + 1) {
    return s3_fail(
        S3Code::InvalidArgument,
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
        "last are the zero-based offsets of the first and last bytes to copy");
  }
  return range;
}

/// The ETag of what was shared, from the part itself: whatever the mount does to the source meanwhile, the part
/// stays what it is.
S3Result<ObjectMetadata> describe(const S3Call& call, ObjectWriter& writer) {
  Digest md5(Digest::Kind::Md5);
  std::vector<std::byte> window(
      static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, writer.size())));
  for (std::uint64_t done = 0; done < writer.size();) {
    const auto n = writer.read(done, window);
    if (!n) return s3_fail(call.failure(n.error(), Subject::Upload));
    if (*n == 0) return s3_fail(S3Code::InternalError);
    md5.update(Bytes(window).first(*n));
    done += *n;
  }
  ObjectMetadata metadata;
  metadata.etag = to_hex(md5.finish());
  return metadata;
}

/// Fills the part: what is sealed on either side passes through here, the rest is shared.
S3Result<ObjectMetadata> fill(const S3Call& call, const CopySource& source, ObjectReader& reader,
                              const std::map<std::string, std::string>& of_upload,
                              std::unique_ptr<ObjectWriter>& writer) {
  const ObjectInfo& info = reader.info();
  S3_ASSIGN(const ByteRange range, source_range(call, info.size));
  S3_ASSIGN(const CopySlot slot, CopySlot::take(call.service, range.length));
  S3_ASSIGN(const auto to_key, CustomerKey::require(call, CustomerKey::Of::Object, of_upload));
  S3_ASSIGN(const auto from_key,
            CustomerKey::require(call, CustomerKey::Of::CopySource, info.metadata.checksums));
  if (!to_key && !from_key) {
    if (const auto shared = writer->append_range(reader, range.first, range.length); !shared)
      return s3_fail(copy_source_failure(call, source, shared.error()));
    return describe(call, *writer);
  }
  std::optional<SealedReader> opened;
  if (from_key) {
    S3_ASSIGN(opened, SealedReader::create(call, info, *from_key));
  }
  std::string seal;
  if (to_key) {
    S3_ASSIGN(seal, to_key->new_seal());
  }
  if (to_key) writer = sealing_writer(std::move(writer), to_key->cipher(seal));
  S3_ASSIGN(const std::string md5,
            copy_bytes(call, reader, opened ? &*opened : nullptr, range, *writer));
  ObjectMetadata metadata;
  metadata.etag = to_key ? to_key->etag(md5) : to_hex(md5);
  if (to_key) metadata.checksums[kCustomerSeal] = seal;
  return metadata;
}

S3Result<Reply> upload_part_copy(S3Call& call) {
  S3_ASSIGN(const std::uint32_t number, part_number(call));
  S3_TRY(check_encryption(call));
  S3_ASSIGN(const CopySource source, copy_source(call));
  const std::string_view id = call.parameter("uploadId");
  const auto upload = call.service.objects.upload(call.bucket, call.key, id);
  if (!upload) return s3_fail(call.failure(upload.error(), Subject::Upload));
  if (!may_reach_upload(call, *upload, "s3:PutObject")) return s3_fail(S3Code::AccessDenied);
  auto writer = call.service.objects.begin_part(call.bucket, call.key, id, number);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Upload));
  auto reader = call.service.objects.open_reader(source.bucket, source.key, source.version);
  if (!reader) return s3_fail(copy_source_failure(call, source, reader.error()));
  if (!may_read_source(call, source, (*reader)->info())) return s3_fail(S3Code::AccessDenied);
  if (!copy_source_holds(call, (*reader)->info())) return s3_fail(S3Code::PreconditionFailed);
  const auto& of_upload = upload->metadata.checksums;
  S3_ASSIGN(ObjectMetadata metadata, fill(call, source, **reader, of_upload, *writer));
  const std::string etag = metadata.etag;
  const auto info = (*writer)->commit(std::move(metadata), {}, call.service.durability);
  if (!info) return s3_fail(call.failure(info.error(), Subject::Upload));
  XmlWriter xml;
  xml.open_document("CopyPartResult");
  xml.element("LastModified", iso_date(info->modified));
  xml.element("ETag", quoted_etag(etag));
  xml.close("CopyPartResult");
  Reply reply = xml_reply(std::move(xml));
  add_source_version(source, (*reader)->info(), reply);
  add_encryption_headers(call, of_upload.contains(kCustomerSeal), reply);
  return reply;
}

}  // namespace

const Operation kUploadPartCopy{.name = "UploadPartCopy",
                                .effect = Operation::Effect::Write,
                                .action = "s3:PutObject",
                                .acl = AclPermission::Write,
                                .run = upload_part_copy};

}  // namespace coffer::gateway
