#pragma once
/// Decimal numbers from clients.

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace coffer::gateway {

/// Digits only, all of them, in range.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The same, but what is too large for the type is its largest value.
inline std::optional<std::uint64_t> parse_clamped_number(std::string_view text) {
  const bool digits =
      !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits) return std::nullopt;
  return parse_number(text).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace coffer::gateway
