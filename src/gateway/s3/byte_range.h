#pragma once
/// The Range header.

#include <cstdint>
#include <string_view>

namespace coffer::gateway {

struct ByteRange {
  enum class Kind { Whole, Part, Unsatisfiable };
  Kind kind = Kind::Whole;
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

/// `text` is the header's value for an object of `size` bytes. What is no single byte range is ignored:
/// the whole object, as RFC 9110 §14.2 and S3 have it.
ByteRange parse_range(std::string_view text, std::uint64_t size);

}  // namespace coffer::gateway
