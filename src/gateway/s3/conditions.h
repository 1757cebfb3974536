#pragma once
/// Conditional requests, read and write.

#include <optional>
#include <string_view>

#include "coffer/vault/objects.h"
#include "gateway/s3/call.h"

namespace coffer::gateway {

enum class Verdict { Proceed, NotModified, Failed };

/// The four conditions of a read, absent where the header was; ETags with or without quotes.
struct ReadConditions {
  std::optional<std::string_view> if_match = {}, if_none_match = {};
  std::optional<std::string_view> if_modified_since = {}, if_unmodified_since = {};
};

/// Precedence as in RFC 9110 §13.2.2: If-Match hides If-Unmodified-Since, If-None-Match hides
/// If-Modified-Since.
Verdict evaluate(const ReadConditions& conditions, std::string_view etag, std::int64_t modified);

ReadConditions read_conditions(const S3Call& call);
/// Of x-amz-copy-source-if-*.
ReadConditions copy_source_conditions(const S3Call& call);
/// If-Match and If-None-Match of a change.
S3Result<WriteConditions> write_conditions(const S3Call& call);
/// The same, with the size and time that a DELETE may ask for.
S3Result<WriteConditions> delete_conditions(const S3Call& call);
/// Of HTTP, or ISO 8601.
std::optional<std::int64_t> parse_any_date(std::string_view text);
/// What a change whose condition did not hold is answered.
S3Error write_failure(const S3Call& call, const Error& error, Subject subject);

/// Without its quotes and without W/.
std::string_view bare_etag(std::string_view etag);
std::string quoted_etag(std::string_view etag);

}  // namespace coffer::gateway
