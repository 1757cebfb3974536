#pragma once
/// libsodium and OpenSSL speak of unsigned char; the project speaks of std::byte. Only for .cc
/// files.

#include "coffer/core/bytes.h"

namespace coffer::crypto {

inline const unsigned char* u(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* u(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace coffer::crypto
