#include "gateway/s3/acl_request.h"
#include "gateway/s3/checksum.h"
#include "gateway/s3/customer_key.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

/// The upload remembers in its metadata which checksum the object shall have, and how it is made of the
/// parts' ("algorithm", "type").
S3Result<void> keep_algorithm(const S3Call& call, std::map<std::string, std::string>& checksums) {
  const std::string_view algorithm = call.header("x-amz-checksum-algorithm");
  const std::string_view type = call.header("x-amz-checksum-type");
  if (algorithm.empty()) {
    if (!type.empty()) {
      return s3_fail(S3Code::InvalidRequest,
                     "The x-amz-checksum-type header can only be used with the "
                     "x-amz-checksum-algorithm header.");
    }
    return {};
  }
  const auto kind = checksum_kind(algorithm);
  if (!kind) return s3_fail(S3Code::InvalidRequest, "Checksum algorithm provided is unsupported.");
  const bool must_be_full = *kind == ChecksumKind::Crc64Nvme;
  const std::string chosen(type.empty() ? (must_be_full ? "FULL_OBJECT" : "COMPOSITE") : type);
  const bool possible =
      chosen == "COMPOSITE" ? !must_be_full : chosen == "FULL_OBJECT" && crc_of(*kind).has_value();
  if (!possible) {
    return s3_fail(S3Code::InvalidRequest,
                   "The " + chosen + " checksum type cannot be used with the " +
                       std::string(upper_name(*kind)) + " checksum algorithm.");
  }
  checksums["algorithm"] = std::string(lower_name(*kind));
  checksums["type"] = chosen;
  return {};
}

S3Result<Reply> create_multipart_upload(S3Call& call) {
  S3_TRY(refuse_unserved(call));
  S3_ASSIGN(ObjectMetadata metadata, new_metadata_from(call));
  const std::string_view initiator =
      call.who.anonymous() ? kAnonymousOwner : std::string_view(call.who.id);
  if (initiator != upload_owner(call, metadata))
    metadata.properties[property::kInitiator] = initiator;
  S3_TRY(keep_algorithm(call, metadata.checksums));
  // Each part has a seal of its own; this one is there to know the key again.
  S3_ASSIGN(const auto key, CustomerKey::read(call, CustomerKey::Of::Object));
  if (key) {
    S3_ASSIGN(metadata.checksums[kCustomerSeal], key->new_seal());
  }
  const auto id = call.service.objects.create_upload(call.bucket, call.key, metadata);
  if (!id) return s3_fail(call.failure(id.error(), Subject::Bucket));
  XmlWriter xml;
  xml.open_document("InitiateMultipartUploadResult");
  xml.element("Bucket", call.bucket);
  xml.element("Key", call.key);
  xml.element("UploadId", *id);
  xml.close("InitiateMultipartUploadResult");
  Reply reply = xml_reply(std::move(xml));
  add_encryption_headers(call, key.has_value(), reply);
  if (const auto kind = checksum_kind(metadata.checksums["algorithm"])) {
    reply.add("x-amz-checksum-algorithm", upper_name(*kind));
    reply.add("x-amz-checksum-type", metadata.checksums["type"]);
  }
  return reply;
}

}  // namespace

const Operation kCreateMultipartUpload{.name = "CreateMultipartUpload",
                                       .effect = Operation::Effect::Write,
                                       .action = "s3:PutObject",
                                       .acl = AclPermission::Write,
                                       .run = create_multipart_upload};

}  // namespace coffer::gateway
