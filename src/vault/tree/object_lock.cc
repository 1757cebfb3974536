#include "coffer/vault/object_lock.h"

#include <charconv>

namespace coffer {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kDaysOfYear = 365;

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Takes the word before the next space off.
std::string_view next_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

}  // namespace

std::string_view name_of(Retention::Mode mode) {
  return mode == Retention::Mode::Governance ? "GOVERNANCE" : "COMPLIANCE";
}

std::optional<Retention::Mode> retention_mode(std::string_view name) {
  if (name == "GOVERNANCE") return Retention::Mode::Governance;
  if (name == "COMPLIANCE") return Retention::Mode::Compliance;
  return std::nullopt;
}

std::string encode_retention(const Retention& retention) {
  return std::string(name_of(retention.mode)) + " " + std::to_string(retention.until_unix_s);
}

std::optional<Retention> decode_retention(std::string_view text) {
  const auto mode = retention_mode(next_word(text));
  const auto until = number_of<std::int64_t>(text);
  if (!mode || !until) return std::nullopt;
  return Retention{*mode, *until};
}

Retention DefaultRetention::from(std::int64_t now_unix_s) const {
  const std::int64_t days = std::int64_t{count} * (years ? kDaysOfYear : 1);
  return {mode, now_unix_s + days * kDaySeconds};
}

std::string encode_object_lock(const std::optional<DefaultRetention>& retention) {
  if (!retention) return "Enabled";
  return "Enabled " + std::string(name_of(retention->mode)) + " " +
         std::to_string(retention->count) + (retention->years ? " years" : " days");
}

std::optional<DefaultRetention> default_retention(std::string_view setting) {
  next_word(setting);
  const auto mode = retention_mode(next_word(setting));
  const auto count = number_of<std::uint32_t>(next_word(setting));
  if (!mode || !count) return std::nullopt;
  return DefaultRetention{*mode, *count, setting == "years"};
}

bool mentions_lock(const LockProperties& properties) {
  return properties.contains(kRetentionProperty) || properties.contains(kLegalHoldProperty);
}

bool is_locked(const LockProperties& properties, std::int64_t now_unix_s, Governance governance) {
  const auto hold = properties.find(kLegalHoldProperty);
  if (hold != properties.end() && hold->second != "OFF") return true;
  const auto text = properties.find(kRetentionProperty);
  if (text == properties.end()) return false;
  const auto retention = decode_retention(text->second);
  if (!retention) return true;
  if (retention->until_unix_s <= now_unix_s) return false;
  return retention->mode == Retention::Mode::Compliance || governance == Governance::Holds;
}

}  // namespace coffer
