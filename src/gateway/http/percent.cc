#include "gateway/http/percent.h"

#include <array>

namespace coffer::gateway {
namespace {

constexpr bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

constexpr auto kUnreserved = [] {
  std::array<bool, 256> table{};
  for (unsigned i = 0; i < 256; ++i) table[i] = is_unreserved(static_cast<char>(i));
  return table;
}();

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void percent_encode(std::string_view text, Slash slash, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte] || (c == '/' && slash == Slash::Keep)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

std::string percent_encode(std::string_view text, Slash slash) {
  std::string out;
  out.reserve(text.size() + 16);
  percent_encode(text, slash, out);
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else if (text[i] == '+' && plus == Plus::Space) {
      out.push_back(' ');
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::optional<QueryParameters> QueryParameters::parse(std::string_view query) {
  QueryParameters parsed;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (item.empty()) continue;
    if (parsed.all_.size() == kParametersMax) return std::nullopt;
    const std::size_t equals = item.find('=');
    auto name = percent_decode(item.substr(0, equals), Plus::Space);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1),
        Plus::Space);
    if (!name || !value) return std::nullopt;
    parsed.all_.push_back({std::move(*name), std::move(*value)});
  }
  return parsed;
}

std::optional<std::string_view> QueryParameters::find(std::string_view name) const {
  for (const Parameter& parameter : all_) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

}  // namespace coffer::gateway
