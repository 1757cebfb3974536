#pragma once
/// Decimal numbers from clients.

#include <charconv>
#include <cstdint>
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

}  // namespace coffer::gateway
