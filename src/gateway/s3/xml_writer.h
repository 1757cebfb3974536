#pragma once
/// XmlWriter: S3's answers, escaped.

#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::gateway {

class XmlWriter {
 public:
  XmlWriter() : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

  /// The document's element, in S3's namespace.
  void open_document(std::string_view name);
  void open(std::string_view name);
  void close(std::string_view name);
  void element(std::string_view name, std::string_view value);
  void element(std::string_view name, std::uint64_t value);
  void flag(std::string_view name, bool value) { element(name, value ? "true" : "false"); }
  /// What is between tags already, as it is.
  void raw(std::string_view markup) { text_.append(markup); }

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void escaped(std::string_view value);
  std::string text_;
};

}  // namespace coffer::gateway
