#pragma once
/// Reading and setting what the vault keeps with a bucket.
///
/// Threads   any; it holds nothing.

#include <optional>
#include <string>

#include "gateway/s3/call.h"

namespace coffer::gateway {

inline constexpr std::size_t kSettingBodyBytesMax = std::size_t{128} << 10;

/// The setting, or `absent` where the bucket has none; NoSuchBucket.
S3Result<std::string> require_setting(const S3Call& call, const char* name, S3Code absent);
/// Nothing: takes it away.
S3Result<void> set_setting(const S3Call& call, const char* name, std::optional<std::string> value);

}  // namespace coffer::gateway
