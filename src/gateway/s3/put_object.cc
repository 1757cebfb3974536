#include "gateway/s3/body_verifier.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

class ObjectUpload final : public Upload {
 public:
  ObjectUpload(std::unique_ptr<ObjectWriter> object_writer, ObjectMetadata metadata,
               WriteConditions conditions, std::optional<CustomerKey> key, std::string seal)
      : Upload(std::move(object_writer)),
        metadata_(std::move(metadata)),
        conditions_(std::move(conditions)),
        key_(std::move(key)),
        seal_(std::move(seal)) {}

  S3Result<Reply> commit(const S3Call& call, const BodyProof& proof) override {
    metadata_.etag = key_ ? key_->etag(proof.md5) : to_hex(proof.md5);
    keep_checksum(proof, metadata_.checksums);
    const auto checksums = metadata_.checksums;
    // Those of the plaintext are told once, to who sent it; kept beside sealed bytes they would say what those are.
    if (key_) metadata_.checksums = {{kCustomerSeal, seal_}};
    const auto info = writer->commit(std::move(metadata_), conditions_, call.service.durability);
    if (!info) return s3_fail(write_failure(call, info.error(), Subject::Object));
    call.changed();
    Reply reply;
    reply.add("ETag", quoted_etag(info->etag));
    add_new_version_header(call, info->version, reply);
    add_expiration_header(call, *info, reply);
    add_encryption_headers(call, key_.has_value(), reply);
    add_checksum_headers(checksums, reply);
    return reply;
  }

 private:
  ObjectMetadata metadata_;
  const WriteConditions conditions_;
  const std::optional<CustomerKey> key_;
  const std::string seal_;  // with a key
};

S3Result<std::unique_ptr<Upload>> put_object(S3Call& call) {
  S3_TRY(refuse_part_or_version(call));
  S3_TRY(refuse_unserved(call));
  S3_ASSIGN(ObjectMetadata metadata, new_metadata_from(call));
  S3_ASSIGN(WriteConditions conditions, write_conditions(call));
  S3_ASSIGN(const auto key, CustomerKey::read(call, CustomerKey::Of::Object));
  auto writer = call.service.objects.begin_put(call.bucket, call.key);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Object));
  std::string seal;
  if (key) {
    S3_ASSIGN(seal, key->new_seal());
  }
  if (key) *writer = sealing_writer(std::move(*writer), key->cipher(seal));
  return std::unique_ptr<Upload>(std::make_unique<ObjectUpload>(
      std::move(*writer), std::move(metadata), std::move(conditions), key, std::move(seal)));
}

}  // namespace

const Operation kPutObject{.name = "PutObject",
                           .effect = Operation::Effect::Write,
                           .action = "s3:PutObject",
                           .acl = AclPermission::Write,
                           .open = put_object};

}  // namespace coffer::gateway
