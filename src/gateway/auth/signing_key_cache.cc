#include "gateway/auth/signing_key_cache.h"

namespace coffer::gateway {

Sha256Value derive_signing_key(std::string_view secret, const SigningScope& scope) {
  std::string start = "AWS4";
  start.append(secret);
  Sha256Value key = hmac_sha256(as_bytes(start), scope.date);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  return hmac_sha256(key, "aws4_request");
}

Sha256Value SigningKeyCache::get(std::string_view access_key, std::string_view secret,
                                 const SigningScope& scope) {
  std::string id;
  id.reserve(96);
  id.append(access_key).append("\n").append(scope.date).append("\n");
  id.append(scope.region).append("\n").append(scope.service);
  const Sha256Value secret_digest = sha256(secret);
  if (const auto entry = entries_.get(id); entry && entry->secret_digest == secret_digest) {
    return entry->key;
  }
  const Sha256Value key = derive_signing_key(secret, scope);
  entries_.put(id, {secret_digest, key}, 1);
  return key;
}

}  // namespace coffer::gateway
