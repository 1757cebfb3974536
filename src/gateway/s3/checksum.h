#pragma once
/// Checksum: one of the five object checksums of S3, computed while the bytes pass.
///
/// Threads   one at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/bytes.h"
#include "gateway/auth/digest.h"
#include "gateway/s3/crc.h"

namespace coffer::gateway {

enum class ChecksumKind { Crc32, Crc32c, Crc64Nvme, Sha1, Sha256 };
inline constexpr ChecksumKind kChecksumKinds[] = {ChecksumKind::Crc32, ChecksumKind::Crc32c,
                                                  ChecksumKind::Crc64Nvme, ChecksumKind::Sha1,
                                                  ChecksumKind::Sha256};

/// "crc32c", as in the header x-amz-checksum-crc32c and in the vault's metadata.
std::string_view lower_name(ChecksumKind kind);
/// "ChecksumCRC32C", as in XML.
std::string_view xml_name(ChecksumKind kind);
/// "CRC32C", as in x-amz-checksum-algorithm.
std::string_view upper_name(ChecksumKind kind);
/// From "crc32c" or "CRC32C".
std::optional<ChecksumKind> checksum_kind(std::string_view name);
std::size_t checksum_bytes(ChecksumKind kind);
/// Whether whole-object values can be made from those of the parts.
std::optional<CrcKind> crc_of(ChecksumKind kind);

class Checksum {
 public:
  explicit Checksum(ChecksumKind kind);
  void update(Bytes bytes);
  [[nodiscard]] ChecksumKind kind() const { return kind_; }
  /// Raw bytes, big-endian for the CRCs. The object then starts anew.
  std::string finish();

 private:
  ChecksumKind kind_;
  std::uint64_t crc_ = 0;
  std::optional<Digest> digest_;
};

/// A CRC value as S3 writes it.
std::string crc_bytes(CrcKind kind, std::uint64_t value);
std::uint64_t crc_value(std::string_view raw);

}  // namespace coffer::gateway
