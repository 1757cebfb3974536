#pragma once
/// Tags of objects and buckets: in XML, in headers, and as they are kept.
///
/// Threads   pure functions.
/// Errors    InvalidTag, MalformedXML, InvalidArgument in AWS's words.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/s3/s3_error.h"
#include "gateway/s3/xml_reader.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

using Tags = std::map<std::string, std::string>;
inline constexpr std::size_t kObjectTagsMax = 10;
inline constexpr std::size_t kBucketTagsMax = 50;

/// Of "a=b&c=d", percent-encoded, as in x-amz-tagging; also how a bucket's tags are kept. Empty: no tags.
S3Result<Tags> tags_of_header(std::string_view text);
std::string header_of_tags(const Tags& tags);
/// Of a <Tagging> document's <TagSet>.
S3Result<Tags> tags_of_xml(const XmlElement& tagging, std::size_t tags_max);
S3Result<Tags> parse_tagging(std::string_view body, std::size_t tags_max);
void write_tagging(const Tags& tags, XmlWriter& xml);

}  // namespace coffer::gateway
