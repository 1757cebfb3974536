#pragma once
/// Object lock as requests bring it and replies show it.
///
/// Threads   any; it holds nothing.

#include "coffer/vault/object_lock.h"
#include "gateway/s3/call.h"

namespace coffer::gateway {

/// Of x-amz-object-lock-*, or the bucket's default: properties of a new object. InvalidRequest: the bucket has no object lock.
S3Result<void> add_lock_properties(const S3Call& call,
                                   std::map<std::string, std::string>& properties);
/// The bucket's default, where the properties have no retention.
void add_default_retention(const S3Call& call, std::map<std::string, std::string>& properties);
/// x-amz-object-lock-* of who may know.
void add_lock_headers(const S3Call& call, const ObjectInfo& info, Reply& reply);
/// x-amz-bypass-governance-retention, of who may that with this key.
bool bypasses_governance(const S3Call& call, std::string_view key);

}  // namespace coffer::gateway
