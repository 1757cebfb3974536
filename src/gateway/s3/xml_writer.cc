#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

void XmlWriter::open_document(std::string_view name) {
  text_.append("<").append(name).append(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
}

void XmlWriter::open(std::string_view name) { text_.append("<").append(name).append(">"); }

void XmlWriter::close(std::string_view name) { text_.append("</").append(name).append(">"); }

void XmlWriter::element(std::string_view name, std::string_view value) {
  open(name);
  escaped(value);
  close(name);
}

void XmlWriter::element(std::string_view name, std::uint64_t value) {
  element(name, std::to_string(value));
}

void XmlWriter::escaped(std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '&':
        text_.append("&amp;");
        break;
      case '<':
        text_.append("&lt;");
        break;
      case '>':
        text_.append("&gt;");
        break;
      case '"':
        text_.append("&quot;");
        break;
      case '\t':
      case '\n':
        text_.push_back(c);
        break;
      default:
        // XML 1.0 cannot hold the other control characters; S3 sends them as references all the
        // same, and clients who care ask for encoding-type=url.
        if (static_cast<unsigned char>(c) < 0x20) {
          text_.append("&#").append(std::to_string(static_cast<unsigned>(c))).append(";");
        } else {
          text_.push_back(c);
        }
    }
  }
}

}  // namespace coffer::gateway
