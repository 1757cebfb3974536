#pragma once
/// The date forms of HTTP and S3. Seconds since 1970 UTC; parsers refuse what is not a date.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coffer::gateway {

/// "Fri, 24 May 2013 00:00:00 GMT" (RFC 9110 IMF-fixdate).
std::string format_http_date(std::int64_t seconds);
/// "2013-05-24T00:00:00.123Z", as S3's XML has it.
std::string format_iso_date(std::int64_t seconds, std::uint32_t milliseconds);

/// IMF-fixdate, RFC 850 and asctime forms; RFC 9110 asks for all three.
std::optional<std::int64_t> parse_http_date(std::string_view text);
/// "20130524T000000Z", the form that signatures use.
std::optional<std::int64_t> parse_amz_date(std::string_view text);
/// "2013-05-24T00:00:00Z", with or without a fraction.
std::optional<std::int64_t> parse_iso_date(std::string_view text);

}  // namespace coffer::gateway
