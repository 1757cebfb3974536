#include "gateway/s3/byte_range.h"

#include <algorithm>

#include "gateway/s3/number.h"

namespace coffer::gateway {

ByteRange parse_range(std::string_view text, std::uint64_t size) {
  const ByteRange whole{ByteRange::Kind::Whole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  const bool of_bytes = text.size() >= kUnit.size() &&
                        std::equal(kUnit.begin(), kUnit.end(), text.begin(), [](char unit, char c) {
                          return unit == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
                        });
  if (!of_bytes) return whole;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view first_text = text.substr(0, dash);
  const std::string_view last_text = text.substr(dash + 1);
  const ByteRange unsatisfiable{ByteRange::Kind::Unsatisfiable, 0, 0};

  if (first_text.empty()) {  // the last N bytes
    const auto count = parse_clamped_number(last_text);
    if (!count) return whole;
    if (*count == 0 || size == 0) return unsatisfiable;
    const std::uint64_t length = std::min(*count, size);
    return {ByteRange::Kind::Part, size - length, length};
  }
  const auto first = parse_clamped_number(first_text);
  if (!first) return whole;
  std::uint64_t last = size - 1;
  if (!last_text.empty()) {
    const auto given = parse_clamped_number(last_text);
    if (!given || *given < *first) return whole;
    last = std::min(*given, size - 1);
  }
  if (*first >= size) return unsatisfiable;
  return {ByteRange::Kind::Part, *first, last - *first + 1};
}

}  // namespace coffer::gateway
