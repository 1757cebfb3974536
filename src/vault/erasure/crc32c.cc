#include "vault/erasure/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace coffer {

std::uint32_t crc32c(Bytes bytes, std::uint32_t so_far) {
  // ISA-L takes the register as it is (no inversion at either end), a length of type int, and a
  // non-const pointer through which it only reads.
  constexpr std::size_t kPieceBytesMax = std::size_t{1} << 30;
  std::uint32_t crc_register = ~so_far;
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), kPieceBytesMax));
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(piece.data()));
    crc_register = crc32_iscsi(data, static_cast<int>(piece.size()), crc_register);
    bytes = bytes.subspan(piece.size());
  }
  return ~crc_register;
}

}  // namespace coffer
