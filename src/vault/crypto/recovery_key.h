#pragma once
/// The recovery key's text: 32 random bytes and a 3-byte checksum in Crockford base32, 14 groups of
/// four characters joined by '-'. Letter case, blanks and dashes do not matter when it is read; O
/// is 0, I and L are 1. A typo passes the checksum once in 2^24.

#include <string_view>

#include "coffer/core/error.h"
#include "vault/crypto/secret.h"

namespace coffer::crypto {

SecretString recovery_key_text(const SecretKey& key);
/// InvalidArgument when it cannot be what was printed (says so, but not where).
Result<SecretKey> parse_recovery_key(std::string_view text);

}  // namespace coffer::crypto
