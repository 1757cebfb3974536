#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/copy_bytes.h"
#include "gateway/s3/copy_source.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

using MakeMetadata = std::function<ObjectMetadata(const ObjectMetadata&)>;

/// Makes the new object's metadata of the source's.
S3Result<MakeMetadata> new_metadata(const S3Call& call, const CopySource& source) {
  const std::string_view directive = call.head.value_or("x-amz-metadata-directive", "COPY");
  const std::string_view tagging = call.head.value_or("x-amz-tagging-directive", "COPY");
  if (tagging != "COPY" && tagging != "REPLACE") return s3_fail(S3Code::InvalidArgument);
  if (directive != "COPY" && directive != "REPLACE")
    return s3_fail(S3Code::InvalidArgument, "Unknown metadata directive.");
  const bool itself =
      source.bucket == call.bucket && source.key == call.key && source.version.empty();
  if (directive == "COPY" && itself && !call.head.find("x-amz-storage-class") &&
      !call.head.find("x-amz-server-side-encryption") &&
      !call.head.find("x-amz-server-side-encryption-customer-algorithm")) {
    return s3_fail(
        S3Code::InvalidRequest,
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes.");
  }
  S3_ASSIGN(ObjectMetadata asked, metadata_from(call));
  S3_ASSIGN(asked.properties, new_object_properties(call));
  const bool new_tagging = tagging == "REPLACE";
  if (new_tagging) {
    S3_ASSIGN(asked.tags, new_tags(call));
  }
  return MakeMetadata([asked, new_tagging, keep = directive == "COPY"](const ObjectMetadata& from) {
    ObjectMetadata made = keep ? from : asked;
    made.properties = asked.properties;
    made.tags = new_tagging ? asked.tags : from.tags;
    return made;
  });
}

Reply copied_reply(const S3Call& call, const CopySource& source, const ObjectInfo& from,
                   const ObjectInfo& copied) {
  XmlWriter xml;
  xml.open_document("CopyObjectResult");
  xml.element("LastModified", iso_date(copied.modified));
  xml.element("ETag", quoted_etag(copied.etag));
  xml.close("CopyObjectResult");
  Reply reply = xml_reply(std::move(xml));
  add_new_version_header(call, copied.version, reply);
  add_expiration_header(call, copied, reply);
  add_source_version(source, from, reply);
  add_encryption_headers(call, copied.metadata.checksums.contains(kCustomerSeal), reply);
  return reply;
}

S3Result<void> check_source(const S3Call& call, const CopySource& source, const ObjectInfo& info) {
  if (!may_read_source(call, source, info)) return s3_fail(S3Code::AccessDenied);
  // Tags that go along are read there and set here.
  const bool tags = call.head.value_or("x-amz-tagging-directive", "COPY") == "COPY" &&
                    !info.metadata.tags.empty();
  if (tags && (!may_reach(call, {*source.access, source.bucket, source.key, &info,
                                 "s3:GetObjectTagging", AclPermission::None}) ||
               !call.may_do("s3:PutObjectTagging", AclPermission::Write, nullptr)))
    return s3_fail(S3Code::AccessDenied);
  if (!copy_source_holds(call, info)) return s3_fail(S3Code::PreconditionFailed);
  return {};
}

/// A copy of bytes that are sealed under a client's key, or shall be.
S3Result<Reply> copy_sealed(S3Call& call, const CopySource& source, const CopyRequest& request,
                            const std::optional<CustomerKey>& to_key) {
  auto reader = call.service.objects.open_reader(source.bucket, source.key, source.version);
  if (!reader) return s3_fail(copy_source_failure(call, source, reader.error()));
  const ObjectInfo& from = (*reader)->info();
  S3_TRY(check_source(call, source, from));
  S3_ASSIGN(const CopySlot slot, CopySlot::take(call.service, from.size));
  S3_ASSIGN(const auto from_key,
            CustomerKey::require(call, CustomerKey::Of::CopySource, from.metadata.checksums));
  std::optional<SealedReader> opened;
  if (from_key) {
    S3_ASSIGN(opened, SealedReader::create(call, from, *from_key));
  }
  auto writer = call.service.objects.begin_put(call.bucket, call.key);
  if (!writer) return s3_fail(call.failure(writer.error(), Subject::Object));
  std::string seal;
  if (to_key) {
    S3_ASSIGN(seal, to_key->new_seal());
  }
  if (to_key) *writer = sealing_writer(std::move(*writer), to_key->cipher(seal));
  S3_ASSIGN(const std::string md5, copy_bytes(call, **reader, opened ? &*opened : nullptr,
                                              {ByteRange::Kind::Whole, 0, from.size}, **writer));
  ObjectMetadata metadata = request.metadata(from.metadata);
  metadata.checksums.clear();
  metadata.parts = 0;
  metadata.etag = to_key ? to_key->etag(md5) : to_hex(md5);
  if (to_key) metadata.checksums[kCustomerSeal] = seal;
  const auto copied =
      (*writer)->commit(std::move(metadata), request.conditions, call.service.durability);
  if (!copied) return s3_fail(write_failure(call, copied.error(), Subject::Object));
  call.changed();
  return copied_reply(call, source, from, *copied);
}

S3Result<Reply> copy_object(S3Call& call) {
  S3_TRY(refuse_part_or_version(call));
  S3_TRY(refuse_unserved(call));
  S3_ASSIGN(const CopySource source, copy_source(call));
  CopyRequest request{source.bucket, source.key, call.bucket, call.key, source.version};
  S3_ASSIGN(request.conditions, write_conditions(call));
  S3_ASSIGN(request.metadata, new_metadata(call, source));
  S3_ASSIGN(const auto to_key, CustomerKey::read(call, CustomerKey::Of::Object));
  const bool from_key =
      call.head.find("x-amz-copy-source-server-side-encryption-customer-algorithm").has_value();
  if (to_key || from_key) return copy_sealed(call, source, request, to_key);
  bool found = false;
  ObjectInfo from;
  S3Result<void> holds;
  request.source_holds = [&](const ObjectInfo& info) {
    found = true;
    from.version = info.version;
    holds = check_source(call, source, info);
    const auto& checksums = info.metadata.checksums;
    if (holds && checksums.contains(kCustomerSeal)) {
      // Says that the key is missing.
      auto key = CustomerKey::require(call, CustomerKey::Of::CopySource, checksums);
      if (!key) holds = s3_fail(key.error());
    }
    return holds.has_value();
  };
  const auto copied = call.service.objects.copy(request, call.service.durability);
  if (!copied && !found) return s3_fail(copy_source_failure(call, source, copied.error()));
  if (!copied && !holds) return s3_fail(holds.error());
  if (!copied) return s3_fail(write_failure(call, copied.error(), Subject::Object));
  call.changed();
  return copied_reply(call, source, from, *copied);
}

}  // namespace

const Operation kCopyObject{.name = "CopyObject",
                            .effect = Operation::Effect::Write,
                            .action = "s3:PutObject",
                            .acl = AclPermission::Write,
                            .run = copy_object};

}  // namespace coffer::gateway
