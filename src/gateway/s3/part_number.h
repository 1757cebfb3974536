#pragma once
/// The partNumber parameter.

#include "gateway/s3/call.h"
#include "gateway/s3/number.h"

namespace coffer::gateway {

inline constexpr std::uint64_t kPartNumberMax = 10'000;

inline S3Result<std::uint32_t> part_number(const S3Call& call) {
  const auto number = parse_number(call.parameter("partNumber"));
  if (!number || *number < 1 || *number > kPartNumberMax) {
    return s3_fail(S3Code::InvalidArgument,
                   "Part number must be an integer between 1 and 10000, inclusive");
  }
  return static_cast<std::uint32_t>(*number);
}

}  // namespace coffer::gateway
