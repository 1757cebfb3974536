#include "gateway/s3/post_policy.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "gateway/http/date.h"

namespace coffer::gateway {
namespace {

using nlohmann::json;

constexpr std::size_t kConditionsMax = 200;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

tl::unexpected<S3Error> invalid(std::string_view why) {
  return s3_fail(S3Code::InvalidPolicyDocument, "Invalid Policy: " + std::string(why) + ".");
}

/// Fields that need no condition: they prove the form, or are checked by themselves.
bool goes_without(std::string_view field) {
  static constexpr std::array<std::string_view, 6> kFree{
      "policy", "signature", "awsaccesskeyid", "x-amz-signature", "file", "bucket"};
  return std::find(kFree.begin(), kFree.end(), field) != kFree.end() ||
         field.starts_with("x-ignore-") || field.starts_with("x-amz-checksum-");
}

}  // namespace

class PostPolicyReader {
 public:
  S3Result<PostPolicy> read(const json& document) {
    if (!document.is_object()) return invalid("not a JSON object");
    const auto expiration = document.find("expiration");
    if (expiration == document.end() || !expiration->is_string())
      return invalid("Policy missing expiration");
    const auto expires = parse_iso_date(expiration->get<std::string>());
    if (!expires) return invalid("Invalid 'expiration' value");
    policy_.expires_unix_s_ = *expires;
    const auto conditions = document.find("conditions");
    if (conditions == document.end() || !conditions->is_array())
      return invalid("Policy missing conditions");
    for (const json& condition : *conditions) {
      if (condition.is_object()) {
        S3_TRY(read_object(condition));
      } else {
        S3_TRY(read_array(condition));
      }
      if (policy_.conditions_.size() > kConditionsMax) return invalid("too many conditions");
    }
    return std::move(policy_);
  }

 private:
  S3Result<void> read_object(const json& condition) {
    if (condition.size() != 1) return invalid("a simple condition has one field");
    const auto field = condition.begin();
    if (!field.value().is_string()) return invalid("a condition's value is a string");
    policy_.conditions_.push_back(
        {PostPolicy::Condition::Kind::Equal, lower(field.key()), field.value().get<std::string>()});
    return {};
  }

  S3Result<void> read_array(const json& condition) {
    if (!condition.is_array() || condition.size() != 3 || !condition[0].is_string())
      return invalid("a condition is an object or an array of three");
    const std::string name = lower(condition[0].get<std::string>());
    if (name == "content-length-range") return read_range(condition);
    const bool starts = name == "starts-with";
    if ((!starts && name != "eq") || !condition[1].is_string() || !condition[2].is_string())
      return invalid("unknown condition");
    const std::string field = condition[1].get<std::string>();
    if (!field.starts_with('$')) return invalid("a field in a condition begins with $");
    policy_.conditions_.push_back(
        {starts ? PostPolicy::Condition::Kind::StartsWith : PostPolicy::Condition::Kind::Equal,
         lower(field.substr(1)), condition[2].get<std::string>()});
    return {};
  }

  S3Result<void> read_range(const json& condition) {
    const auto number = [](const json& value) -> std::optional<std::uint64_t> {
      if (value.is_number_unsigned()) return value.get<std::uint64_t>();
      return std::nullopt;
    };
    const auto least = number(condition[1]);
    const auto most = number(condition[2]);
    if (!least || !most) return invalid("content-length-range wants two numbers");
    policy_.bytes_min_ = *least;
    policy_.bytes_max_ = *most;
    return {};
  }

  PostPolicy policy_;
};

S3Result<PostPolicy> PostPolicy::parse(std::string_view text) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return invalid("Invalid JSON");
  return PostPolicyReader().read(document);
}

S3Result<void> PostPolicy::check(const Fields& fields, std::int64_t now_unix_s) const {
  if (expires_unix_s_ <= now_unix_s)
    return s3_fail(S3Code::AccessDenied, "Invalid according to Policy: Policy expired.");
  const auto value_of = [&](const std::string& name) -> std::string_view {
    for (const auto& [field, value] : fields) {
      if (field == name) return value;
    }
    return {};
  };
  for (const Condition& condition : conditions_) {
    const std::string_view value = value_of(condition.field);
    const bool holds = condition.kind == Condition::Kind::StartsWith
                           ? value.starts_with(condition.value)
                           : value == condition.value;
    if (!holds) {
      return s3_fail(S3Code::AccessDenied,
                     "Invalid according to Policy: Policy Condition failed: $" + condition.field);
    }
  }
  for (const auto& [field, value] : fields) {
    const bool named =
        goes_without(field) || std::any_of(conditions_.begin(), conditions_.end(),
                                           [&, &name = field](const Condition& condition) {
                                             return condition.field == name;
                                           });
    if (!named) {
      return s3_fail(S3Code::AccessDenied,
                     "Invalid according to Policy: Extra input fields: " + field);
    }
  }
  // A policy that does not name its bucket would be good for all of the key's.
  const bool bucket = std::any_of(conditions_.begin(), conditions_.end(),
                                  [](const Condition& c) { return c.field == "bucket"; });
  if (!bucket)
    return s3_fail(S3Code::AccessDenied, "Invalid according to Policy: Extra input fields: bucket");
  return {};
}

}  // namespace coffer::gateway
