#include "gateway/s3/tagging.h"

#include <algorithm>

#include "gateway/http/percent.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kKeyCharactersMax = 128;
constexpr std::size_t kValueCharactersMax = 256;

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

/// UTF-8 of characters that XML can hold: what is set by a header is read back as XML.
bool is_xml_text(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t bytes = first < 0x80   ? 1
                              : first < 0xc2 ? 0
                              : first < 0xe0 ? 2
                              : first < 0xf0 ? 3
                              : first < 0xf5 ? 4
                                             : 0;
    if (bytes == 0 || bytes > text.size()) return false;
    std::uint32_t code = bytes == 1 ? first : first & (0x7fU >> bytes);
    for (const char c : text.substr(1, bytes - 1)) {
      const auto next = static_cast<unsigned char>(c);
      if ((next & 0xc0U) != 0x80U) return false;
      code = code << 6 | (next & 0x3fU);
    }
    const bool shortest = bytes < 3 || code >= (bytes == 3 ? 0x800U : 0x10000U);
    const bool character = (code >= 0x20 || code == '\t' || code == '\n' || code == '\r') &&
                           (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff &&
                           code <= 0x10ffff;
    if (!shortest || !character) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

S3Result<void> add(Tags& tags, std::string key, std::string value) {
  if (!is_xml_text(key) || !is_xml_text(value)) return s3_fail(S3Code::InvalidTag);
  if (key.empty() || characters(key) > kKeyCharactersMax)
    return s3_fail(S3Code::InvalidTag, "The TagKey you have provided is invalid");
  if (characters(value) > kValueCharactersMax)
    return s3_fail(S3Code::InvalidTag, "The TagValue you have provided is invalid");
  if (!tags.emplace(std::move(key), std::move(value)).second)
    return s3_fail(S3Code::InvalidTag, "Cannot provide multiple Tags with the same key");
  return {};
}

S3Result<void> check_count(const Tags& tags, std::size_t tags_max) {
  if (tags.size() <= tags_max) return {};
  return s3_fail(S3Code::InvalidTag,
                 "Object tags cannot be greater than " + std::to_string(tags_max));
}

}  // namespace

S3Result<Tags> tags_of_header(std::string_view text) {
  Tags tags;
  const auto query = QueryParameters::parse(text);
  if (!query)
    return s3_fail(S3Code::InvalidArgument,
                   "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
                   "parameters without tag name duplicates.");
  for (const auto& [name, value] : query->all()) S3_TRY(add(tags, name, value));
  S3_TRY(check_count(tags, kBucketTagsMax));
  return tags;
}

std::string header_of_tags(const Tags& tags) {
  std::string text;
  for (const auto& [key, value] : tags) {
    if (!text.empty()) text.push_back('&');
    percent_encode(key, Slash::Encode, text);
    text.push_back('=');
    percent_encode(value, Slash::Encode, text);
  }
  return text;
}

S3Result<Tags> tags_of_xml(const XmlElement& tagging, std::size_t tags_max) {
  const XmlElement* const set = tagging.child("TagSet");
  if (set == nullptr) return s3_fail(S3Code::MalformedXML);
  Tags tags;
  for (const XmlElement& tag : set->children) {
    const auto key = tag.child_text("Key");
    const auto value = tag.child_text("Value");
    if (tag.name != "Tag" || !key || !value) return s3_fail(S3Code::MalformedXML);
    S3_TRY(add(tags, std::string(*key), std::string(*value)));
  }
  S3_TRY(check_count(tags, tags_max));
  return tags;
}

S3Result<Tags> parse_tagging(std::string_view body, std::size_t tags_max) {
  S3_ASSIGN(const XmlElement tagging, parse_xml(body, "Tagging"));
  return tags_of_xml(tagging, tags_max);
}

void write_tagging(const Tags& tags, XmlWriter& xml) {
  xml.open_document("Tagging");
  xml.open("TagSet");
  for (const auto& [key, value] : tags) {
    xml.open("Tag");
    xml.element("Key", key);
    xml.element("Value", value);
    xml.close("Tag");
  }
  xml.close("TagSet");
  xml.close("Tagging");
}

}  // namespace coffer::gateway
