#include "gateway/s3/conditions.h"
#include "gateway/s3/copy_source.h"
#include "gateway/s3/object_headers.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {

/// The new object's metadata: nothing where the source's stays.
S3Result<std::optional<ObjectMetadata>> new_metadata(const S3Call& call, const CopySource& source) {
  const std::string_view directive = call.head.value_or("x-amz-metadata-directive", "COPY");
  const std::string_view tagging = call.head.value_or("x-amz-tagging-directive", "COPY");
  if (tagging != "COPY" && tagging != "REPLACE") return s3_fail(S3Code::InvalidArgument);
  if (directive == "COPY") {
    const bool itself = source.bucket == call.bucket && source.key == call.key;
    if (itself && !call.head.find("x-amz-storage-class") &&
        !call.head.find("x-amz-server-side-encryption")) {
      return s3_fail(
          S3Code::InvalidRequest,
          "This copy request is illegal because it is trying to copy an object to itself without "
          "changing the object's metadata, storage class, website redirect location or encryption "
          "attributes.");
    }
    return std::optional<ObjectMetadata>();
  }
  if (directive != "REPLACE")
    return s3_fail(S3Code::InvalidArgument, "Unknown metadata directive.");
  S3_ASSIGN(ObjectMetadata metadata, metadata_from(call));
  return std::optional<ObjectMetadata>(std::move(metadata));
}

S3Result<Reply> copy_object(S3Call& call) {
  S3_TRY(refuse_part_or_version(call));
  S3_TRY(refuse_unserved(call));
  S3_ASSIGN(const CopySource source, copy_source(call));
  CopyRequest request{source.bucket, source.key, call.bucket, call.key};
  S3_ASSIGN(request.conditions, write_conditions(call));
  S3_ASSIGN(request.metadata, new_metadata(call, source));
  bool found = false;
  bool holds = false;
  request.source_holds = [&](const ObjectInfo& info) {
    found = true;
    holds = copy_source_holds(call, info);
    return holds;
  };
  const auto copied = call.service.objects.copy(request, call.service.durability);
  if (!copied && !found) return s3_fail(copy_source_failure(call, source, copied.error()));
  if (!copied && !holds) return s3_fail(S3Code::PreconditionFailed);
  if (!copied) return s3_fail(write_failure(call, copied.error(), Subject::Object));
  call.changed();
  XmlWriter xml;
  xml.open_document("CopyObjectResult");
  xml.element("LastModified", iso_date(copied->modified));
  xml.element("ETag", quoted_etag(copied->etag));
  xml.close("CopyObjectResult");
  Reply reply = xml_reply(std::move(xml));
  reply.add("x-amz-server-side-encryption", "AES256");
  return reply;
}

}  // namespace

const Operation kCopyObject{
    .name = "CopyObject", .effect = Operation::Effect::Write, .run = copy_object};

}  // namespace coffer::gateway
