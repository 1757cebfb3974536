#pragma once
/// The x-amz-copy-source header, and the conditions on it.

#include <string>

#include "gateway/s3/call.h"

namespace coffer::gateway {

struct CopySource {
  std::string bucket;
  std::string key;
  std::string version;                         // empty: the current one
  std::shared_ptr<const BucketAccess> access;  // null: there is no such bucket
};

/// What an x-amz-copy-source header names, decoded; nothing on a malformed escape.
struct CopySourcePath {
  std::string bucket_and_key;  // "bucket/key"
  std::string_view version;    // empty where the header has none
};
std::optional<CopySourcePath> copy_source_path(std::string_view header);

/// "[/]bucket/key[?versionId=ID]", percent-encoded. Checks the key's scope.
S3Result<CopySource> copy_source(const S3Call& call);

/// May the caller read what stands there?
bool may_read_source(const S3Call& call, const CopySource& source, const ObjectInfo& info);

/// Whether every x-amz-copy-source-if-* condition holds of this source.
bool copy_source_holds(const S3Call& call, const ObjectInfo& info);

/// Which version was copied, where the source has versions.
void add_source_version(const CopySource& source, const ObjectInfo& info, Reply& reply);

/// Why the source could not be read, in S3's words.
S3Error copy_source_failure(const S3Call& call, const CopySource& source, const Error& error);

}  // namespace coffer::gateway
