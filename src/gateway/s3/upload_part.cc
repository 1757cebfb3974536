#include "gateway/s3/body_verifier.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/part_number.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

class PartUpload final : public Upload {
 public:
  PartUpload(std::unique_ptr<ObjectWriter> part_writer, std::optional<CustomerKey> key,
             std::string seal)
      : Upload(std::move(part_writer)), key_(std::move(key)), seal_(std::move(seal)) {}
  S3Result<Reply> commit(const S3Call& call, const BodyProof& proof) override {
    ObjectMetadata metadata;
    metadata.etag = key_ ? key_->etag(proof.md5) : to_hex(proof.md5);
    const std::string etag = metadata.etag;
    if (proof.checksum_kind) {
      metadata.checksums[std::string(lower_name(*proof.checksum_kind))] = proof.checksum;
    }
    const auto checksums = metadata.checksums;
    if (key_) metadata.checksums = {{kCustomerSeal, seal_}};  // as PutObject does
    const auto info = writer->commit(std::move(metadata), {}, call.service.durability);
    if (!info) return s3_fail(call.failure(info.error(), Subject::Upload));
    Reply reply;
    reply.add("ETag", quoted_etag(etag));
    add_encryption_headers(call, key_.has_value(), reply);
    add_checksum_headers(checksums, reply);
    return reply;
  }

 private:
  const std::optional<CustomerKey> key_;
  const std::string seal_;  // with a key
};

S3Result<std::unique_ptr<Upload>> upload_part(S3Call& call) {
  S3_ASSIGN(const std::uint32_t number, part_number(call));
  S3_TRY(refuse_unserved(call));
  const auto upload =
      call.service.objects.upload(call.bucket, call.key, call.parameter("uploadId"));
  if (!upload) return s3_fail(call.failure(upload.error(), Subject::Upload));
  if (!may_reach_upload(call, *upload, "s3:PutObject")) return s3_fail(S3Code::AccessDenied);
  S3_ASSIGN(const auto key,
            CustomerKey::require(call, CustomerKey::Of::Object, upload->metadata.checksums));
  auto writer =
      call.service.objects.begin_part(call.bucket, call.key, call.parameter("uploadId"), number);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Upload));
  std::string seal;
  if (key) {
    S3_ASSIGN(seal, key->new_seal());
  }
  if (key) *writer = sealing_writer(std::move(*writer), key->cipher(seal));
  return std::unique_ptr<Upload>(
      std::make_unique<PartUpload>(std::move(*writer), key, std::move(seal)));
}

}  // namespace

const Operation kUploadPart{.name = "UploadPart",
                            .effect = Operation::Effect::Write,
                            .action = "s3:PutObject",
                            .acl = AclPermission::Write,
                            .open = upload_part};

}  // namespace coffer::gateway
