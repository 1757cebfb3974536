#pragma once
/// Cors: the cross-origin rules of a bucket, and what they say of a request.
///
/// Format    kept as the CORSConfiguration document that write_cors() makes.
/// Threads   plain values and pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/s3/call.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

struct CorsRule {
  std::string id;
  std::vector<std::string> origins, methods, allowed_headers, exposed_headers;
  std::vector<std::string> allowed_in_lower_case;  // of allowed_headers
  std::optional<std::uint64_t> max_age_seconds;
};

S3Result<std::vector<CorsRule>> parse_cors(std::string_view document);
std::string write_cors(const std::vector<CorsRule>& rules);

struct CorsRequest {
  std::string_view origin, method;
  std::string_view headers;  // of Access-Control-Request-Headers
};
/// The first rule that allows it, or null; none allows more than kCorsHeadersMax.
inline constexpr std::size_t kCorsHeadersMax = 100;
const CorsRule* matching_rule(const std::vector<CorsRule>& rules, const CorsRequest& request);
/// Access-Control-*, into the reply to a request that `rule` allows.
void add_cors_headers(const CorsRule& rule, const CorsRequest& request, Reply& reply);
/// The same for a request that is no preflight, if it comes from another origin and its bucket has rules.
void add_cors_headers(const S3Call& call, Reply& reply);

}  // namespace coffer::gateway
