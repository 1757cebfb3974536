#pragma once
/// Uuid: 16 random bytes that name something on disk, and the strong names made of it.
///
/// The text form is 32 lower-case hexadecimal digits, used in paths (`meta.<uid>`) and messages.
/// New ones come from crypto::random_uuid(). The nil Uuid (all zero) names nothing.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/core/strong_id.h"

namespace coffer {

class Uuid {
 public:
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kTextBytes = 32;

  constexpr Uuid() = default;
  constexpr explicit Uuid(const std::array<std::byte, kBytes>& bytes) : bytes_(bytes) {}

  /// @pre bytes.size() == kBytes; a short span (a reader past its end) gives the nil Uuid.
  static Uuid from_bytes(Bytes bytes);
  /// InvalidArgument unless `text` is exactly 32 hexadecimal digits.
  static Result<Uuid> parse(std::string_view text);

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool is_nil() const { return *this == Uuid(); }
  constexpr auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::byte, kBytes> bytes_{};
};

using VaultUuid = StrongId<struct VaultUuidTag, Uuid>;
using VolumeUuid = StrongId<struct VolumeUuidTag, Uuid>;
using SegmentUid = StrongId<struct SegmentUidTag, Uuid>;
/// A sealed metadata file (SST, WAL, MANIFEST).
using FileUid = StrongId<struct FileUidTag, Uuid>;
/// A metadata mirror's directory.
using DirectoryUid = StrongId<struct DirectoryUidTag, Uuid>;
/// One opening of a vault by one process.
using SessionUuid = StrongId<struct SessionUuidTag, Uuid>;

}  // namespace coffer

template <>
struct std::hash<coffer::Uuid> {
  std::size_t operator()(const coffer::Uuid& id) const noexcept {
    std::size_t h;  // the bytes are random: any eight of them are a hash
    std::memcpy(&h, id.bytes().data(), sizeof h);
    return h;
  }
};
