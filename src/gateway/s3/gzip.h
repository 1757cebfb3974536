#pragma once
/// Gzip for XML: a listing of a thousand keys is a tenth of itself.
///
/// Threads   any; it holds nothing.

#include <string_view>

#include "gateway/http/reply.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

/// Below it, what is saved is less than what it costs.
inline constexpr std::size_t kGzipBytesMin = 1024;

/// "gzip, br;q=0.5" has gzip; "gzip;q=0" and "identity" have not.
bool accepts_gzip(std::string_view accept_encoding);
/// Compresses the XML of a reply where the client takes it so.
void compress_xml(const RequestHead& head, Reply& reply);

}  // namespace coffer::gateway
