#include "gateway/s3/lifecycle.h"

#include <algorithm>
#include <set>

#include "gateway/auth/digest.h"
#include "gateway/http/date.h"
#include "gateway/s3/number.h"
#include "gateway/s3/tagging.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kRulesMax = 1000;
constexpr std::size_t kIdBytesMax = 255;
constexpr std::uint64_t kNumberMax = INT32_MAX;
constexpr std::uint64_t kNewerMax = 100;
constexpr std::string_view kDocument = "LifecycleConfiguration";

S3Result<std::uint64_t> positive(std::string_view text, std::string_view what) {
  const auto number = parse_number(text);
  if (!number || *number > kNumberMax) return s3_fail(S3Code::MalformedXML);
  if (*number == 0)
    return s3_fail(S3Code::InvalidArgument,
                   "'" + std::string(what) + "' must be a positive integer");
  return *number;
}

S3Result<std::int64_t> midnight(std::string_view text) {
  const auto date = parse_iso_date(text);
  if (!date) return s3_fail(S3Code::MalformedXML);
  if (*date % LifecycleClock::kRealDay != 0)
    return s3_fail(S3Code::InvalidArgument, "'Date' must be at midnight GMT");
  return *date;
}

/// What a filter may hold, in <Filter> itself or in its <And>.
S3Result<std::size_t> add_condition(const XmlElement& element, LifecycleFilter& filter) {
  if (element.name == "Prefix") {
    filter.prefix = element.text;
  } else if (element.name == "Tag") {
    const auto key = element.child_text("Key");
    const auto value = element.child_text("Value");
    if (!key || !value) return s3_fail(S3Code::MalformedXML);
    if (!filter.tags.emplace(std::string(*key), std::string(*value)).second)
      return s3_fail(S3Code::InvalidArgument, "Duplicate Tag Keys are not allowed.");
  } else if (element.name == "ObjectSizeGreaterThan" || element.name == "ObjectSizeLessThan") {
    const auto size = parse_number(element.text);
    if (!size) return s3_fail(S3Code::MalformedXML);
    (element.name == "ObjectSizeLessThan" ? filter.size_less : filter.size_greater) = *size;
  } else {
    return s3_fail(S3Code::MalformedXML);
  }
  return std::size_t{1};
}

S3Result<LifecycleFilter> parse_filter(const XmlElement& rule) {
  LifecycleFilter filter;
  const XmlElement* const element = rule.child("Filter");
  const auto prefix = rule.child_text("Prefix");
  if (element != nullptr && prefix) return s3_fail(S3Code::MalformedXML);
  if (element == nullptr) {
    if (!prefix) return s3_fail(S3Code::MalformedXML);
    filter.form = LifecycleFilter::Form::Prefix;
    filter.prefix = std::string(*prefix);
    return filter;
  }
  const XmlElement* conditions = element;
  if (const XmlElement* const all = element->child("And")) {
    if (element->children.size() != 1) return s3_fail(S3Code::MalformedXML);
    filter.form = LifecycleFilter::Form::And;
    conditions = all;
  }
  for (const XmlElement& condition : conditions->children) {
    S3_TRY(add_condition(condition, filter));
  }
  if (filter.size_greater && filter.size_less && *filter.size_greater >= *filter.size_less) {
    return s3_fail(S3Code::InvalidArgument,
                   "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.");
  }
  return filter;
}

S3Result<void> parse_expiration(const XmlElement& element, LifecycleRule& rule) {
  const auto days = element.child_text("Days");
  const auto date = element.child_text("Date");
  const auto marker = element.child_text("ExpiredObjectDeleteMarker");
  if ((days ? 1 : 0) + (date ? 1 : 0) + (marker ? 1 : 0) != 1) return s3_fail(S3Code::MalformedXML);
  if (days) {
    S3_ASSIGN(rule.days, positive(*days, "Days"));
  }
  if (date) {
    S3_ASSIGN(rule.date_unix_s, midnight(*date));
  }
  if (!marker) return {};
  if (*marker != "true" && *marker != "false") return s3_fail(S3Code::MalformedXML);
  if (rule.asks_for_tags())
    return s3_fail(S3Code::InvalidRequest,
                   "ExpiredObjectDeleteMarker cannot be specified with Tags.");
  rule.expired_marker = *marker == "true";
  return {};
}

S3Result<void> parse_noncurrent(const XmlElement& element, LifecycleRule& rule) {
  const auto days = element.child_text("NoncurrentDays");
  if (!days) return s3_fail(S3Code::MalformedXML);
  S3_ASSIGN(rule.noncurrent_days, positive(*days, "NoncurrentDays"));
  const auto newer = element.child_text("NewerNoncurrentVersions");
  if (!newer) return {};
  S3_ASSIGN(rule.newer_noncurrent, positive(*newer, "NewerNoncurrentVersions"));
  if (*rule.newer_noncurrent > kNewerMax) return s3_fail(S3Code::InvalidArgument);
  return {};
}

S3Result<void> parse_abort(const XmlElement& element, LifecycleRule& rule) {
  const auto days = element.child_text("DaysAfterInitiation");
  if (!days) return s3_fail(S3Code::MalformedXML);
  if (rule.asks_for_tags() || rule.filter.size_greater || rule.filter.size_less) {
    return s3_fail(S3Code::InvalidRequest,
                   "AbortIncompleteMultipartUpload cannot be specified with Tags or sizes.");
  }
  S3_ASSIGN(rule.abort_days, positive(*days, "DaysAfterInitiation"));
  return {};
}

/// There is nowhere to go to; but what is wrong anyway is said first.
S3Result<bool> parse_action(const XmlElement& element, LifecycleRule& rule, bool& transitions) {
  if (element.name == "Expiration") {
    S3_TRY(parse_expiration(element, rule));
  } else if (element.name == "NoncurrentVersionExpiration") {
    S3_TRY(parse_noncurrent(element, rule));
  } else if (element.name == "AbortIncompleteMultipartUpload") {
    S3_TRY(parse_abort(element, rule));
  } else if (element.name == "Transition" || element.name == "NoncurrentVersionTransition") {
    if (const auto date = element.child_text("Date")) S3_TRY(midnight(*date));
    transitions = true;
  } else {
    return false;
  }
  return true;
}

S3Result<LifecycleRule> parse_rule(const XmlElement& element, bool& transitions) {
  LifecycleRule rule;
  rule.id = std::string(element.child_text("ID").value_or(""));
  if (rule.id.size() > kIdBytesMax)
    return s3_fail(S3Code::InvalidArgument, "ID length should not exceed allowed limit of 255");
  const std::string_view status = element.child_text("Status").value_or("");
  if (status != "Enabled" && status != "Disabled") return s3_fail(S3Code::MalformedXML);
  rule.enabled = status == "Enabled";
  S3_ASSIGN(rule.filter, parse_filter(element));
  bool acts = false;
  for (const XmlElement& child : element.children) {
    S3_ASSIGN(const bool action, parse_action(child, rule, transitions));
    acts = acts || action;
  }
  if (!acts)
    return s3_fail(S3Code::InvalidRequest, "At least one action needs to be specified in a rule.");
  return rule;
}

void write_number(std::string_view name, const std::optional<std::uint64_t>& number,
                  XmlWriter& xml) {
  if (number) xml.element(name, *number);
}

void write_filter(const LifecycleFilter& filter, XmlWriter& xml) {
  if (filter.form == LifecycleFilter::Form::Prefix)
    return xml.element("Prefix", filter.prefix.value_or(""));
  xml.open("Filter");
  if (filter.form == LifecycleFilter::Form::And) xml.open("And");
  if (filter.prefix) xml.element("Prefix", *filter.prefix);
  for (const auto& [key, value] : filter.tags) {
    xml.open("Tag");
    xml.element("Key", key);
    xml.element("Value", value);
    xml.close("Tag");
  }
  write_number("ObjectSizeGreaterThan", filter.size_greater, xml);
  write_number("ObjectSizeLessThan", filter.size_less, xml);
  if (filter.form == LifecycleFilter::Form::And) xml.close("And");
  xml.close("Filter");
}

void write_rule(const LifecycleRule& rule, XmlWriter& xml) {
  xml.open("Rule");
  xml.element("ID", rule.id);
  write_filter(rule.filter, xml);
  xml.element("Status", rule.enabled ? "Enabled" : "Disabled");
  if (rule.days || rule.date_unix_s || rule.expired_marker) {
    xml.open("Expiration");
    write_number("Days", rule.days, xml);
    if (rule.date_unix_s) xml.element("Date", format_iso_date(*rule.date_unix_s, 0));
    if (rule.expired_marker) xml.flag("ExpiredObjectDeleteMarker", *rule.expired_marker);
    xml.close("Expiration");
  }
  if (rule.noncurrent_days) {
    xml.open("NoncurrentVersionExpiration");
    xml.element("NoncurrentDays", *rule.noncurrent_days);
    write_number("NewerNoncurrentVersions", rule.newer_noncurrent, xml);
    xml.close("NoncurrentVersionExpiration");
  }
  if (rule.abort_days) {
    xml.open("AbortIncompleteMultipartUpload");
    xml.element("DaysAfterInitiation", *rule.abort_days);
    xml.close("AbortIncompleteMultipartUpload");
  }
  xml.close("Rule");
}

}  // namespace

bool LifecycleRule::covers_key(std::string_view key) const {
  return enabled && key.starts_with(filter.prefix.value_or(""));
}

bool LifecycleRule::covers(const ObjectInfo& object) const {
  if (!covers_key(object.key)) return false;
  if (filter.size_greater && object.size <= *filter.size_greater) return false;
  if (filter.size_less && object.size >= *filter.size_less) return false;
  return std::all_of(filter.tags.begin(), filter.tags.end(), [&](const auto& tag) {
    const auto found = object.metadata.tags.find(tag.first);
    return found != object.metadata.tags.end() && found->second == tag.second;
  });
}

S3Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, kDocument));
  std::vector<LifecycleRule> rules;
  std::set<std::string> ids;
  bool transitions = false;
  for (const XmlElement& element : document.children) {
    if (element.name != "Rule") return s3_fail(S3Code::MalformedXML);
    if (rules.size() == kRulesMax) return s3_fail(S3Code::InvalidRequest);
    S3_ASSIGN(LifecycleRule rule, parse_rule(element, transitions));
    // The same for the same rule in the same place: a configuration that is set again stays what it is.
    if (rule.id.empty())
      rule.id = to_hex(sha256("rule " + std::to_string(rules.size()))).substr(0, 32);
    if (!ids.insert(rule.id).second)
      return s3_fail(S3Code::InvalidArgument,
                     "Rule ID must be unique. Found same ID for more than one rule");
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) return s3_fail(S3Code::MalformedXML);
  if (transitions) return s3_fail(S3Code::NotImplemented);
  return rules;
}

void write_lifecycle(const std::vector<LifecycleRule>& rules, XmlWriter& xml) {
  xml.open_document(kDocument);
  for (const LifecycleRule& rule : rules) write_rule(rule, xml);
  xml.close(kDocument);
}

std::int64_t LifecycleClock::after(std::int64_t from_unix_s, std::uint64_t days) const {
  const std::int64_t then = from_unix_s + static_cast<std::int64_t>(days) * day_s;
  if (day_s != kRealDay) return then;
  return (then + kRealDay - 1) / kRealDay * kRealDay;
}

std::optional<std::int64_t> expires_at(const LifecycleRule& rule, const ObjectInfo& object,
                                       const LifecycleClock& clock) {
  if (!rule.covers(object)) return std::nullopt;
  if (rule.date_unix_s) return *rule.date_unix_s;
  if (rule.days) return clock.after(object.modified.seconds, *rule.days);
  return std::nullopt;
}

}  // namespace coffer::gateway
