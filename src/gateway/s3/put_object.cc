#include "gateway/s3/body_verifier.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

class ObjectUpload final : public Upload {
 public:
  ObjectUpload(std::unique_ptr<ObjectWriter> object_writer, ObjectMetadata metadata,
               WriteConditions conditions)
      : Upload(std::move(object_writer)),
        metadata_(std::move(metadata)),
        conditions_(std::move(conditions)) {}

  S3Result<Reply> commit(const S3Call& call, const BodyProof& proof) override {
    metadata_.etag = to_hex(proof.md5);
    keep_checksum(proof, metadata_.checksums);
    const auto checksums = metadata_.checksums;
    const auto info = writer->commit(std::move(metadata_), conditions_, call.service.durability);
    if (!info) return s3_fail(write_failure(call, info.error(), Subject::Object));
    call.changed();
    Reply reply;
    reply.add("ETag", quoted_etag(info->etag));
    reply.add("x-amz-server-side-encryption", "AES256");
    add_checksum_headers(checksums, reply);
    return reply;
  }

 private:
  ObjectMetadata metadata_;
  const WriteConditions conditions_;
};

S3Result<std::unique_ptr<Upload>> put_object(S3Call& call) {
  S3_TRY(refuse_part_or_version(call));
  S3_TRY(refuse_unserved(call));
  S3_ASSIGN(ObjectMetadata metadata, metadata_from(call));
  S3_ASSIGN(WriteConditions conditions, write_conditions(call));
  auto writer = call.service.objects.begin_put(call.bucket, call.key);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Object));
  return std::unique_ptr<Upload>(std::make_unique<ObjectUpload>(
      std::move(*writer), std::move(metadata), std::move(conditions)));
}

}  // namespace

const Operation kPutObject{
    .name = "PutObject", .effect = Operation::Effect::Write, .open = put_object};

}  // namespace coffer::gateway
