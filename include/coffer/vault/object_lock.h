#pragma once
/// Object lock: until when a version may not be removed, as it is kept in an object's properties and a bucket's settings
/// (docs/format.md §5.7, §5.10). The gateway sets it; the vault holds everybody to it, at both doors.
///
/// Threads   pure functions.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace coffer {

/// Properties of a locked object, and the setting of a bucket that has object lock.
inline constexpr const char* kRetentionProperty = "retention";   // "GOVERNANCE 1893456000"
inline constexpr const char* kLegalHoldProperty = "legal-hold";  // "ON" or "OFF"
inline constexpr const char* kObjectLockSetting =
    "object-lock";  // "Enabled", with or without a default

struct Retention {
  enum class Mode : std::uint8_t { Governance, Compliance } mode = Mode::Governance;
  std::int64_t until_unix_s = 0;
  bool operator==(const Retention&) const = default;
};
std::string_view name_of(Retention::Mode mode);
std::optional<Retention::Mode> retention_mode(std::string_view name);
std::string encode_retention(const Retention& retention);
std::optional<Retention> decode_retention(std::string_view text);

/// What objects of a bucket get that bring no retention of their own: "Enabled GOVERNANCE 30 days".
struct DefaultRetention {
  Retention::Mode mode = Retention::Mode::Governance;
  std::uint32_t count = 0;
  bool years = false;
  [[nodiscard]] Retention from(std::int64_t now_unix_s) const;
};
std::string encode_object_lock(const std::optional<DefaultRetention>& retention);
/// Nothing: there is no default.
std::optional<DefaultRetention> default_retention(std::string_view setting);

using LockProperties = std::map<std::string, std::string>;
/// Does it say anything of locks?
bool mentions_lock(const LockProperties& properties);
enum class Governance : std::uint8_t { Holds, Bypassed };
/// May a version with these properties not be removed or changed? What cannot be read locks.
bool is_locked(const LockProperties& properties, std::int64_t now_unix_s, Governance governance);

}  // namespace coffer
