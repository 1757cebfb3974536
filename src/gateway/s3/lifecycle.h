#pragma once
/// Lifecycle rules: what a bucket's LifecycleConfiguration says, and what it means for one object.
///
/// Threads   pure functions.
/// Errors    AWS's: MalformedXML, InvalidArgument; NotImplemented for transitions, as there is one storage class.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/vault/objects.h"
#include "gateway/s3/s3_error.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

struct LifecycleFilter {
  enum class Form : std::uint8_t { Prefix, Filter, And } form = Form::Filter;  // as it was given
  std::optional<std::string> prefix = {};
  std::map<std::string, std::string> tags = {};
  std::optional<std::uint64_t> size_greater = {}, size_less = {};
};

struct LifecycleRule {
  std::string id;
  bool enabled = false;
  LifecycleFilter filter = {};
  std::optional<std::uint64_t> days = {};
  std::optional<std::int64_t> date_unix_s = {};  // midnight, UTC
  std::optional<bool> expired_marker = {};
  std::optional<std::uint64_t> noncurrent_days = {}, newer_noncurrent = {};
  std::optional<std::uint64_t> abort_days = {};

  [[nodiscard]] bool covers_key(std::string_view key) const;
  /// Needs the tags of an object to say whether it is covered.
  [[nodiscard]] bool asks_for_tags() const { return !filter.tags.empty(); }
  [[nodiscard]] bool covers(const ObjectInfo& object) const;
};

/// Rules without an id get one.
S3Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view body);
void write_lifecycle(const std::vector<LifecycleRule>& rules, XmlWriter& xml);

/// How days are counted: from the midnight behind them, as AWS does; or, for tests, short ones to the second.
struct LifecycleClock {
  static constexpr std::int64_t kRealDay = 86'400;
  std::int64_t day_s = kRealDay;
  [[nodiscard]] std::int64_t after(std::int64_t from_unix_s, std::uint64_t days) const;
};

/// When the rule takes the current version of an object away, if it does. Tags count.
std::optional<std::int64_t> expires_at(const LifecycleRule& rule, const ObjectInfo& object,
                                       const LifecycleClock& clock);

}  // namespace coffer::gateway
