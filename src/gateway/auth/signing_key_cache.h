#pragma once
/// SigningKeyCache: derived SigV4 keys by access key and scope, bounded, least recently used first
/// out.
///
/// A derived key costs four HMACs; a client uses one for a day. An entry holds a digest of the
/// secret it was derived from, so a key that was removed and added again with another secret is
/// derived anew.
///
/// Threads   any.

#include <cstddef>
#include <string>
#include <string_view>

#include "coffer/core/lru_cache.h"
#include "gateway/auth/digest.h"

namespace coffer::gateway {

/// What a signature is bound to beside the request.
struct SigningScope {
  std::string_view date;  // "20130524"
  std::string_view region;
  std::string_view service;
};

/// HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request").
Sha256Value derive_signing_key(std::string_view secret, const SigningScope& scope);

class SigningKeyCache {
 public:
  explicit SigningKeyCache(std::size_t entries_max = 1024) : entries_(entries_max, 4) {}
  Sha256Value get(std::string_view access_key, std::string_view secret, const SigningScope& scope);
  [[nodiscard]] CacheStats stats() const { return entries_.stats(); }

 private:
  struct Entry {
    Sha256Value secret_digest{};
    Sha256Value key{};
  };
  LruCache<std::string, Entry> entries_;
};

}  // namespace coffer::gateway
