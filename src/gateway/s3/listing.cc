#include "gateway/s3/listing.h"

#include <algorithm>

#include "gateway/s3/number.h"
#include "gateway/s3/replies.h"

namespace coffer::gateway {
namespace {
constexpr std::uint32_t kEntriesMax = 1000;
}

S3Result<ListingParameters> listing_parameters(const S3Call& call, std::string_view count_name) {
  ListingParameters parameters;
  parameters.prefix = std::string(call.parameter("prefix"));
  parameters.delimiter = std::string(call.parameter("delimiter"));
  if (const auto count = call.query.find(count_name); count && !count->empty()) {
    const auto value = parse_number(*count);
    if (!value || *value > INT32_MAX) {
      return s3_fail(S3Code::InvalidArgument, "Provided " + std::string(count_name) +
                                                  " not an integer or within integer range");
    }
    parameters.entries_max =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(*value, kEntriesMax));
  }
  if (const auto encoding = call.query.find("encoding-type"); encoding && !encoding->empty()) {
    if (*encoding != "url")
      return s3_fail(S3Code::InvalidArgument, "Invalid Encoding Method specified in Request");
    parameters.url_encoding = true;
  }
  // Of Ceph: in any order. Ours have one always; but with a delimiter it is an error there.
  if (call.parameter("allow-unordered") == "true" && !parameters.delimiter.empty())
    return s3_fail(S3Code::InvalidArgument);
  return parameters;
}

std::string listed_name(const ListingParameters& parameters, std::string_view name) {
  return parameters.url_encoding ? percent_encode(name, Slash::Keep) : std::string(name);
}

void write_listing_head(const ListingParameters& parameters, std::string_view count_element,
                        XmlWriter& xml) {
  xml.element("Prefix", listed_name(parameters, parameters.prefix));
  if (!parameters.delimiter.empty()) {
    xml.element("Delimiter", listed_name(parameters, parameters.delimiter));
  }
  xml.element(count_element, parameters.entries_max);
  if (parameters.url_encoding) xml.element("EncodingType", "url");
}

void write_common_prefixes(const ListingParameters& parameters,
                           const std::vector<std::string>& prefixes, XmlWriter& xml) {
  for (const std::string& prefix : prefixes) {
    xml.open("CommonPrefixes");
    xml.element("Prefix", listed_name(parameters, prefix));
    xml.close("CommonPrefixes");
  }
}

S3Result<ListPage> list_page(const S3Call& call, const ListingParameters& parameters,
                             std::string_view start_after) {
  if (parameters.entries_max == 0) {
    S3_TRY(require_bucket(call));
    return ListPage{};
  }
  ListRequest request;
  request.prefix = parameters.prefix;
  request.delimiter = parameters.delimiter;
  request.start_after = std::string(start_after);
  request.max_keys = parameters.entries_max;
  auto page = call.service.objects.list(call.bucket, request);
  if (!page) return s3_fail(call.failure(page.error(), Subject::Bucket));
  return std::move(*page);
}

}  // namespace coffer::gateway
