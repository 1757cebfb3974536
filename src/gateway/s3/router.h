#pragma once
/// Router: from a request's method, host, path and query to bucket, key and operation.
///
/// Threads   any; it holds nothing.

#include <span>
#include <string>

#include "gateway/s3/operations.h"

namespace coffer::gateway {

struct Target {
  std::string bucket;
  std::string key;
};

/// Path style, or virtual-host style where the host is BUCKET.DOMAIN. InvalidURI on a malformed escape.
S3Result<Target> find_target(const RequestHead& head, std::span<const std::string> domains);

/// Never null.
const Operation* find_operation(const RequestHead& head, const QueryParameters& query,
                                const Target& target);

}  // namespace coffer::gateway
