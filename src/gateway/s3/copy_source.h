#pragma once
/// The x-amz-copy-source header, and the conditions on it.

#include <string>

#include "gateway/s3/call.h"

namespace coffer::gateway {

struct CopySource {
  std::string bucket;
  std::string key;
};

/// "[/]bucket/key[?versionId=null]", percent-encoded. Checks the caller's scope.
S3Result<CopySource> copy_source(const S3Call& call);

/// The source as it is now; fails where an x-amz-copy-source-if-* condition does not hold.
S3Result<ObjectInfo> head_copy_source(const S3Call& call, const CopySource& source);

}  // namespace coffer::gateway
