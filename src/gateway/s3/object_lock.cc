#include "gateway/s3/object_lock.h"

#include <ctime>

#include "gateway/http/date.h"
#include "gateway/s3/bucket_settings.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/number.h"
#include "gateway/s3/object_update.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kDocument = "ObjectLockConfiguration";
constexpr std::uint64_t kDaysMax = 36'500;
constexpr std::uint64_t kYearsMax = 100;

std::int64_t now_s() { return static_cast<std::int64_t>(std::time(nullptr)); }

bool has_lock(const S3Call& call) {
  return call.access && call.access->setting(setting::kObjectLock).has_value();
}

S3Result<void> require_lock(const S3Call& call) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  if (has_lock(call)) return {};
  return s3_fail(S3Code::InvalidRequest, "Bucket is missing Object Lock Configuration");
}

S3Result<std::int64_t> future_date(std::string_view text) {
  const auto date = parse_any_date(text);
  if (!date) {
    return s3_fail(S3Code::InvalidArgument,
                   "The retain until date must be provided in ISO 8601 format");
  }
  if (*date <= now_s())
    return s3_fail(S3Code::InvalidArgument, "The retain until date must be in the future!");
  return *date;
}

// ---- of a bucket

S3Result<std::optional<DefaultRetention>> default_of(const XmlElement& document) {
  if (document.child_text("ObjectLockEnabled").value_or("") != "Enabled")
    return s3_fail(S3Code::MalformedXML);
  const XmlElement* const rule = document.child("Rule");
  if (rule == nullptr) return std::optional<DefaultRetention>{};
  const XmlElement* const retention = rule->child("DefaultRetention");
  if (retention == nullptr) return s3_fail(S3Code::MalformedXML);
  const auto mode = retention_mode(retention->child_text("Mode").value_or(""));
  const auto days = retention->child_text("Days");
  const auto years = retention->child_text("Years");
  if (!mode || days.has_value() == years.has_value()) return s3_fail(S3Code::MalformedXML);
  const auto count = parse_number(days ? *days : *years);
  if (!count || *count < 1 || *count > (days ? kDaysMax : kYearsMax))
    return s3_fail(S3Code::InvalidRetentionPeriod);
  return std::optional<DefaultRetention>(
      DefaultRetention{*mode, static_cast<std::uint32_t>(*count), years.has_value()});
}

S3Result<Reply> put_object_lock_configuration(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  S3_ASSIGN(const XmlElement document, parse_xml(body, kDocument));
  S3_ASSIGN(const auto retention, default_of(document));
  if (call.access->setting(kVersioningSetting) != "Enabled") {
    return s3_fail(S3Code::InvalidBucketState,
                   "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                   "configuration");
  }
  S3_TRY(set_setting(call, setting::kObjectLock, encode_object_lock(retention)));
  return empty_reply(200);
}

S3Result<Reply> get_object_lock_configuration(S3Call& call) {
  S3_ASSIGN(const std::string text, require_setting(call, setting::kObjectLock,
                                                    S3Code::ObjectLockConfigurationNotFoundError));
  XmlWriter xml;
  xml.open_document(kDocument);
  xml.element("ObjectLockEnabled", "Enabled");
  if (const auto retention = default_retention(text)) {
    xml.open("Rule");
    xml.open("DefaultRetention");
    xml.element("Mode", name_of(retention->mode));
    xml.element(retention->years ? "Years" : "Days", retention->count);
    xml.close("DefaultRetention");
    xml.close("Rule");
  }
  xml.close(kDocument);
  return xml_reply(std::move(xml));
}

// ---- of a version

std::optional<Retention> retention_of(const ObjectInfo& info) {
  const auto found = info.metadata.properties.find(kRetentionProperty);
  return found == info.metadata.properties.end() ? std::nullopt : decode_retention(found->second);
}

/// Nothing: it is taken away.
S3Result<std::optional<Retention>> wanted_retention(std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, "Retention"));
  const auto mode_name = document.child_text("Mode");
  const auto date = document.child_text("RetainUntilDate");
  if (!mode_name && !date) return std::optional<Retention>{};
  const auto mode = retention_mode(mode_name.value_or(""));
  if (!mode || !date) return s3_fail(S3Code::MalformedXML);
  S3_ASSIGN(const std::int64_t until, future_date(*date));
  return std::optional<Retention>(Retention{*mode, until});
}

/// May the one become the other? Longer in the same mode always.
bool may_become(const std::optional<Retention>& now, const std::optional<Retention>& wanted,
                bool bypass) {
  if (!now || now->until_unix_s <= now_s()) return true;
  if (wanted && wanted->mode == now->mode && wanted->until_unix_s >= now->until_unix_s) return true;
  return now->mode == Retention::Mode::Governance && bypass;
}

S3Result<Reply> put_object_retention(S3Call& call, std::string_view body) {
  return update_object(call, [&](const ObjectInfo& info) -> S3Result<ObjectUpdate> {
    S3_TRY(require_lock(call));
    S3_ASSIGN(const auto wanted, wanted_retention(body));
    if (!may_become(retention_of(info), wanted, bypasses_governance(call, call.key)))
      return s3_fail(S3Code::AccessDenied,
                     "Access Denied because object protected by object lock.");
    ObjectUpdate update;
    update.properties = info.metadata.properties;
    update.properties->erase(kRetentionProperty);
    if (wanted) update.properties->emplace(kRetentionProperty, encode_retention(*wanted));
    return update;
  });
}

S3Result<Reply> get_object_retention(S3Call& call) {
  S3_ASSIGN(const ObjectInfo info, find_authorized(call));
  S3_TRY(require_lock(call));
  const auto retention = retention_of(info);
  if (!retention) return s3_fail(S3Code::NoSuchObjectLockConfiguration);
  XmlWriter xml;
  xml.open_document("Retention");
  xml.element("Mode", name_of(retention->mode));
  xml.element("RetainUntilDate", format_iso_date(retention->until_unix_s, 0));
  xml.close("Retention");
  return xml_reply(std::move(xml));
}

S3Result<Reply> put_object_legal_hold(S3Call& call, std::string_view body) {
  return update_object(call, [&](const ObjectInfo& info) -> S3Result<ObjectUpdate> {
    S3_TRY(require_lock(call));
    S3_ASSIGN(const XmlElement document, parse_xml(body, "LegalHold"));
    const std::string_view status = document.child_text("Status").value_or("");
    if (status != "ON" && status != "OFF") return s3_fail(S3Code::MalformedXML);
    ObjectUpdate update;
    update.properties = info.metadata.properties;
    update.properties->insert_or_assign(kLegalHoldProperty, std::string(status));
    return update;
  });
}

S3Result<Reply> get_object_legal_hold(S3Call& call) {
  S3_ASSIGN(const ObjectInfo info, find_authorized(call));
  S3_TRY(require_lock(call));
  const auto hold = info.metadata.properties.find(kLegalHoldProperty);
  if (hold == info.metadata.properties.end()) return s3_fail(S3Code::NoSuchObjectLockConfiguration);
  XmlWriter xml;
  xml.open_document("LegalHold");
  xml.element("Status", hold->second);
  xml.close("LegalHold");
  return xml_reply(std::move(xml));
}

}  // namespace

S3Result<void> add_lock_properties(const S3Call& call,
                                   std::map<std::string, std::string>& properties) {
  const auto mode_name = call.head.find("x-amz-object-lock-mode");
  const auto date = call.head.find("x-amz-object-lock-retain-until-date");
  const auto hold = call.head.find("x-amz-object-lock-legal-hold");
  if (mode_name || date || hold) S3_TRY(require_lock(call));
  if (mode_name.has_value() != date.has_value()) {
    return s3_fail(S3Code::InvalidArgument,
                   "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be "
                   "supplied");
  }
  if (mode_name) {
    const auto mode = retention_mode(*mode_name);
    if (!mode) return s3_fail(S3Code::InvalidArgument, "Unknown wormMode directive.");
    S3_ASSIGN(const std::int64_t until, future_date(*date));
    if (!call.may_do("s3:PutObjectRetention", AclPermission::None, nullptr))
      return s3_fail(S3Code::AccessDenied);
    properties[kRetentionProperty] = encode_retention({*mode, until});
  }
  if (!hold) return {};
  if (*hold != "ON" && *hold != "OFF")
    return s3_fail(S3Code::InvalidArgument, "Legal Hold must be either of 'ON' or 'OFF'");
  if (!call.may_do("s3:PutObjectLegalHold", AclPermission::None, nullptr))
    return s3_fail(S3Code::AccessDenied);
  properties[kLegalHoldProperty] = std::string(*hold);
  return {};
}

void add_default_retention(const S3Call& call, std::map<std::string, std::string>& properties) {
  if (!call.access || properties.contains(kRetentionProperty)) return;
  const auto setting = call.access->setting(setting::kObjectLock);
  const auto retention = setting ? default_retention(*setting) : std::nullopt;
  if (retention) properties[kRetentionProperty] = encode_retention(retention->from(now_s()));
}

void add_lock_headers(const S3Call& call, const ObjectInfo& info, Reply& reply) {
  const auto& properties = info.metadata.properties;
  if (!mentions_lock(properties)) return;
  const auto retention = retention_of(info);
  if (retention && call.may_do("s3:GetObjectRetention", AclPermission::None, &info)) {
    reply.add("x-amz-object-lock-mode", name_of(retention->mode));
    reply.add("x-amz-object-lock-retain-until-date", format_iso_date(retention->until_unix_s, 0));
  }
  const auto hold = properties.find(kLegalHoldProperty);
  if (hold != properties.end() && call.may_do("s3:GetObjectLegalHold", AclPermission::None, &info))
    reply.add("x-amz-object-lock-legal-hold", hold->second);
}

bool bypasses_governance(const S3Call& call, std::string_view key) {
  if (!call.header_says_true("x-amz-bypass-governance-retention") || !call.access) return false;
  return may_reach(call, {*call.access, call.bucket, key, nullptr, "s3:BypassGovernanceRetention",
                          AclPermission::None});
}

const Operation kGetObjectLockConfiguration{.name = "GetObjectLockConfiguration",
                                            .action = "s3:GetBucketObjectLockConfiguration",
                                            .run = get_object_lock_configuration};
const Operation kPutObjectLockConfiguration{.name = "PutObjectLockConfiguration",
                                            .effect = Operation::Effect::Write,
                                            .action = "s3:PutBucketObjectLockConfiguration",
                                            .run_body = put_object_lock_configuration,
                                            .body_bytes_max = kSettingBodyBytesMax};
const Operation kGetObjectRetention{.name = "GetObjectRetention",
                                    .check = Operation::Check::Itself,
                                    .action = "s3:GetObjectRetention",
                                    .run = get_object_retention};
const Operation kPutObjectRetention{.name = "PutObjectRetention",
                                    .effect = Operation::Effect::Write,
                                    .check = Operation::Check::Itself,
                                    .action = "s3:PutObjectRetention",
                                    .run_body = put_object_retention,
                                    .body_bytes_max = kSettingBodyBytesMax};
const Operation kGetObjectLegalHold{.name = "GetObjectLegalHold",
                                    .check = Operation::Check::Itself,
                                    .action = "s3:GetObjectLegalHold",
                                    .run = get_object_legal_hold};
const Operation kPutObjectLegalHold{.name = "PutObjectLegalHold",
                                    .effect = Operation::Effect::Write,
                                    .check = Operation::Check::Itself,
                                    .action = "s3:PutObjectLegalHold",
                                    .run_body = put_object_legal_hold,
                                    .body_bytes_max = kSettingBodyBytesMax};

}  // namespace coffer::gateway
