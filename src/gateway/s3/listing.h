#pragma once
/// What the listings have in common: their parameters, and how keys and entries are written.

#include <cstdint>
#include <string>

#include "coffer/vault/objects.h"
#include "gateway/s3/call.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

struct ListingParameters {
  std::string prefix;
  std::string delimiter;
  std::uint32_t entries_max = 1000;
  bool url_encoding = false;
};

/// `count_name` is "max-keys", "max-uploads" or "max-parts".
S3Result<ListingParameters> listing_parameters(const S3Call& call, std::string_view count_name);

/// A key or prefix, percent-encoded if the client asked for that.
std::string listed_name(const ListingParameters& parameters, std::string_view name);

void write_listing_head(const ListingParameters& parameters, std::string_view count_element,
                        XmlWriter& xml);
void write_common_prefixes(const ListingParameters& parameters,
                           const std::vector<std::string>& prefixes, XmlWriter& xml);

/// One page behind `start_after`; empty where no entries were asked for.
S3Result<ListPage> list_page(const S3Call& call, const ListingParameters& parameters,
                             std::string_view start_after);

}  // namespace coffer::gateway
