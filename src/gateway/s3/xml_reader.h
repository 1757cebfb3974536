#pragma once
/// XmlDocument: hostile XML in, as a small tree of elements (pugixml behind it).
///
/// Threads   one at a time.
/// Errors    MalformedXML on what does not parse, nests deeper than kDepthMax, has more elements
///           than kElementsMax, or declares a document type (so no entities).

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/s3/s3_error.h"

namespace coffer::gateway {

struct XmlElement {
  std::string name;  // without its namespace prefix
  std::string text;
  std::vector<XmlElement> children;

  [[nodiscard]] const XmlElement* child(std::string_view child_name) const;
  [[nodiscard]] std::optional<std::string_view> child_text(std::string_view child_name) const;
};

inline constexpr std::size_t kXmlDepthMax = 12;
inline constexpr std::size_t kXmlElementsMax = 120'000;

/// The root element, which must be called `root`.
S3Result<XmlElement> parse_xml(std::string_view text, std::string_view root);

}  // namespace coffer::gateway
