#pragma once
/// Copies that pass through here, because one side is sealed under a client's key.
///
/// Threads   one at a time. Blocks.

#include "gateway/s3/byte_range.h"
#include "gateway/s3/customer_key.h"

namespace coffer::gateway {

/// The MD5 (raw) of the plaintext that was appended to `to`.
S3Result<std::string> copy_bytes(const S3Call& call, ObjectReader& from, SealedReader* opened,
                                 const ByteRange& range, ObjectWriter& to);

}  // namespace coffer::gateway
