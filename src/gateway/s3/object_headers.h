#pragma once
/// Between the headers of a request or reply and what the vault keeps with an object.

#include "coffer/vault/objects.h"
#include "gateway/http/reply.h"
#include "gateway/s3/body_verifier.h"
#include "gateway/s3/call.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {

/// Content-Type and the other headers that stay with an object, and its user metadata.
S3Result<ObjectMetadata> metadata_from(const S3Call& call);
/// The same, with tags, owner and ACL of a new object.
S3Result<ObjectMetadata> new_metadata_from(const S3Call& call);
/// Of x-amz-tagging, if that may be set.
S3Result<Tags> new_tags(const S3Call& call);
/// Refuses a version or a part number where a whole new object is written: it would not be what was asked for.
S3Result<void> refuse_part_or_version(const S3Call& call);
S3Result<void> check_encryption(const S3Call& call);
/// Refuses with 501 (or AWS's own code) what a PUT may ask for and this does not do.
S3Result<void> refuse_unserved(const S3Call& call);
/// Into metadata.checksums.
void keep_checksum(const BodyProof& proof, std::map<std::string, std::string>& checksums);

enum class ShowChecksums { No, Yes };
/// ETag, Last-Modified, Content-Type, the kept headers, user metadata; response-* overrides.
void add_object_headers(const S3Call& call, const ObjectInfo& info, ShowChecksums, Reply& reply);
/// x-amz-expiration: when the bucket's rules take the object away, as days are counted in earnest.
void add_expiration_header(const S3Call& call, const ObjectInfo& info, Reply& reply);
/// x-amz-checksum-* and its type.
void add_checksum_headers(const std::map<std::string, std::string>& checksums, Reply& reply);

/// What an object without a type of its own is called by its key's extension.
std::string_view content_type_of(std::string_view key);

}  // namespace coffer::gateway
