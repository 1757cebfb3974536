#pragma once
/// Which names a bucket may have.

#include <string_view>

namespace coffer::gateway {

/// S3's rules for new buckets: 3 to 63 of a-z 0-9 - . , alphanumeric at both ends, no "..", not an IPv4
/// address, none of the reserved prefixes and suffixes.
bool is_bucket_name(std::string_view name);

}  // namespace coffer::gateway
