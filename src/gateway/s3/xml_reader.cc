#include "gateway/s3/xml_reader.h"

#include <pugixml.hpp>

namespace coffer::gateway {
namespace {

std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool copy_tree(const pugi::xml_node& from, XmlElement& to, std::size_t depth, std::size_t& count) {
  if (depth > kXmlDepthMax || ++count > kXmlElementsMax) return false;
  to.name = local_name(from.name());
  for (const pugi::xml_node& node : from.children()) {
    switch (node.type()) {
      case pugi::node_element:
        if (!copy_tree(node, to.children.emplace_back(), depth + 1, count)) return false;
        break;
      case pugi::node_pcdata:
      case pugi::node_cdata:
        to.text += node.value();
        break;
      default:
        break;
    }
  }
  return true;
}

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const {
  for (const XmlElement& element : children) {
    if (element.name == child_name) return &element;
  }
  return nullptr;
}

std::optional<std::string_view> XmlElement::child_text(std::string_view child_name) const {
  const XmlElement* element = child(child_name);
  if (element == nullptr) return std::nullopt;
  return element->text;
}

S3Result<XmlElement> parse_xml(std::string_view text, std::string_view root) {
  pugi::xml_document document;
  // parse_doctype is asked for only to see one and refuse it; pugixml never expands entities of a
  // DTD.
  constexpr unsigned kFlags =
      pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
  if (!document.load_buffer(text.data(), text.size(), kFlags, pugi::encoding_utf8)) {
    return s3_fail(S3Code::MalformedXML);
  }
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype) return s3_fail(S3Code::MalformedXML);
  }
  XmlElement element;
  std::size_t count = 0;
  if (!copy_tree(document.document_element(), element, 0, count) || element.name != root) {
    return s3_fail(S3Code::MalformedXML);
  }
  return element;
}

}  // namespace coffer::gateway
