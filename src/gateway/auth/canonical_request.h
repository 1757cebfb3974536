#pragma once
/// The canonical request and string to sign of AWS Signature Version 4, in S3's variant: the path
/// is encoded once and never normalised.

#include <span>
#include <string>
#include <string_view>

#include "gateway/http/percent.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

struct CanonicalInput {
  const RequestHead& head;
  const QueryParameters& query;
  /// The SignedHeaders list as the client gave it: lower case, joined by ';'.
  std::string_view signed_headers;
  std::string_view payload_hash;
};

/// "X-Amz-Signature" never takes part.
std::string canonical_request(const CanonicalInput& input);

/// `scope` is "date/region/service/aws4_request".
std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical);

}  // namespace coffer::gateway
