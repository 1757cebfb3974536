#include "gateway/s3/checksum.h"

#include <array>
#include <utility>

namespace coffer::gateway {
namespace {

struct Names {
  std::string_view lower, upper, xml;
  std::size_t bytes;
};

constexpr std::array<Names, 5> kNames{{{"crc32", "CRC32", "ChecksumCRC32", 4},
                                       {"crc32c", "CRC32C", "ChecksumCRC32C", 4},
                                       {"crc64nvme", "CRC64NVME", "ChecksumCRC64NVME", 8},
                                       {"sha1", "SHA1", "ChecksumSHA1", 20},
                                       {"sha256", "SHA256", "ChecksumSHA256", 32}}};

const Names& names(ChecksumKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view lower_name(ChecksumKind kind) { return names(kind).lower; }
std::string_view upper_name(ChecksumKind kind) { return names(kind).upper; }
std::string_view xml_name(ChecksumKind kind) { return names(kind).xml; }
std::size_t checksum_bytes(ChecksumKind kind) { return names(kind).bytes; }

std::optional<ChecksumKind> checksum_kind(std::string_view name) {
  for (const ChecksumKind kind : kChecksumKinds) {
    if (name == names(kind).lower || name == names(kind).upper) return kind;
  }
  return std::nullopt;
}

std::optional<CrcKind> crc_of(ChecksumKind kind) {
  switch (kind) {
    case ChecksumKind::Crc32:
      return CrcKind::Crc32;
    case ChecksumKind::Crc32c:
      return CrcKind::Crc32c;
    case ChecksumKind::Crc64Nvme:
      return CrcKind::Crc64Nvme;
    case ChecksumKind::Sha1:
    case ChecksumKind::Sha256:
      return std::nullopt;
  }
  __builtin_unreachable();
}

Checksum::Checksum(ChecksumKind kind) : kind_(kind) {
  if (kind == ChecksumKind::Sha1) digest_.emplace(Digest::Kind::Sha1);
  if (kind == ChecksumKind::Sha256) digest_.emplace(Digest::Kind::Sha256);
}

void Checksum::update(Bytes bytes) {
  if (digest_) {
    digest_->update(bytes);
  } else {
    crc_ = crc_update(*crc_of(kind_), crc_, bytes);
  }
}

std::string Checksum::finish() {
  if (digest_) return digest_->finish();
  return crc_bytes(*crc_of(kind_), std::exchange(crc_, 0));
}

std::string crc_bytes(CrcKind kind, std::uint64_t value) {
  std::string raw;
  ByteWriter out(raw);
  if (kind == CrcKind::Crc64Nvme)
    out.u64_big_endian(value);
  else
    out.u32_big_endian(static_cast<std::uint32_t>(value));
  return raw;
}

std::uint64_t crc_value(std::string_view raw) {
  ByteReader in(raw);
  return raw.size() == 8 ? in.u64_big_endian() : in.u32_big_endian();
}

}  // namespace coffer::gateway
