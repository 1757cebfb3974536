#pragma once
/// What the condition keys of bucket policies mean for a request.
///
/// Threads   any; it holds nothing.

#include "gateway/s3/call.h"

namespace coffer::gateway {

/// `name` as condition_key() makes it. Empty: the request has no such value.
std::vector<std::string> policy_values(const S3Call& call, std::string_view name,
                                       const AccessTarget& target);

}  // namespace coffer::gateway
