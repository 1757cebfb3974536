#pragma once
/// Credential: what a person brings to open a vault, and what a key slot made of it costs and
/// shows.

#include <cstdint>
#include <string_view>

#include "coffer/core/strong_id.h"
#include "coffer/vault/secret_string.h"

namespace coffer {

/// On disk: docs/format.md §2.
enum class SlotKind : std::uint8_t { Passphrase = 1, KeyFile = 2, Recovery = 3 };

/// "passphrase", "key file", "recovery key".
std::string_view to_string(SlotKind kind) noexcept;

/// secret: the passphrase without its newline; the whole content of the key file; the recovery
/// key's text as it was printed (letter case, blanks and dashes do not matter).
struct Credential {
  SlotKind kind = SlotKind::Passphrase;
  SecretString secret;
};

/// Argon2id's cost, stored in each slot and authenticated there. A cheap one is only ever the
/// explicit choice of who adds the slot.
struct KdfCost {
  std::uint32_t operations = 3;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  bool operator==(const KdfCost&) const = default;
};
inline constexpr KdfCost kKdfCostModerate{};  // libsodium's MODERATE: about 0.7 s of one core
inline constexpr KdfCost kKdfCostInteractive{2, std::uint64_t{64} << 20};
/// The least that Argon2id allows. For secrets that are random by themselves, and for tests.
inline constexpr KdfCost kKdfCostMinimum{1, 8192};

using SlotId = StrongId<struct SlotIdTag, std::uint8_t>;

/// One line of `coffer key list`.
struct SlotInfo {
  SlotId id;
  SlotKind kind = SlotKind::Passphrase;
  KdfCost cost;
  std::int64_t created_unix_s = 0;
};

}  // namespace coffer
