#include "gateway/s3/body_verifier.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/part_number.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

class PartUpload final : public Upload {
 public:
  using Upload::Upload;
  S3Result<Reply> commit(const S3Call& call, const BodyProof& proof) override {
    ObjectMetadata metadata;
    metadata.etag = to_hex(proof.md5);
    if (proof.checksum_kind) {
      metadata.checksums[std::string(lower_name(*proof.checksum_kind))] = proof.checksum;
    }
    const auto checksums = metadata.checksums;
    const auto info = writer->commit(std::move(metadata), {}, call.service.durability);
    if (!info) return s3_fail(call.failure(info.error(), Subject::Upload));
    Reply reply;
    reply.add("ETag", quoted_etag(to_hex(proof.md5)));
    reply.add("x-amz-server-side-encryption", "AES256");
    add_checksum_headers(checksums, reply);
    return reply;
  }
};

S3Result<std::unique_ptr<Upload>> upload_part(S3Call& call) {
  S3_ASSIGN(const std::uint32_t number, part_number(call));
  S3_TRY(refuse_unserved(call));
  auto writer =
      call.service.objects.begin_part(call.bucket, call.key, call.parameter("uploadId"), number);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Upload));
  return std::unique_ptr<Upload>(std::make_unique<PartUpload>(std::move(*writer)));
}

}  // namespace

const Operation kUploadPart{
    .name = "UploadPart", .effect = Operation::Effect::Write, .open = upload_part};

}  // namespace coffer::gateway
