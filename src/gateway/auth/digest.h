#pragma once
/// Digest: incremental MD5, SHA-1 and SHA-256 over OpenSSL, and HMAC-SHA-256.
///
/// Threads   one Digest belongs to one thread at a time; the functions may be called from any
///           thread.
/// Errors    none: OpenSSL's digests fail only when memory is gone, which ends the process.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "coffer/core/bytes.h"

struct evp_md_ctx_st;

namespace coffer::gateway {

using Sha256Value = std::array<std::byte, 32>;

class Digest {
 public:
  enum class Kind { Md5, Sha1, Sha256 };
  explicit Digest(Kind kind);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void update(Bytes bytes);
  void update(std::string_view text) { update(as_bytes(text)); }
  /// The raw digest (16, 20 or 32 bytes). The object then starts anew.
  std::string finish();
  void finish(MutableBytes out);

 private:
  Kind kind_;
  evp_md_ctx_st* context_;
};

Sha256Value sha256(std::string_view text);
Sha256Value hmac_sha256(Bytes key, std::string_view text);

/// Raw. For the one form of Signature Version 2 that is served.
std::string hmac_sha1(std::string_view key, std::string_view text);

std::string to_hex(Bytes bytes);
inline std::string to_hex(std::string_view raw) { return to_hex(as_bytes(raw)); }
std::string to_base64(Bytes bytes);
/// Empty on anything that is not padded base64 of exactly `bytes` bytes.
std::string from_base64(std::string_view text, std::size_t bytes);

/// Of any length; empty on what is no padded base64.
std::string from_base64(std::string_view text);

/// Compares in time that depends on the lengths only.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace coffer::gateway
