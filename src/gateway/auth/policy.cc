#include "gateway/auth/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/auth/policy_words.h"

namespace coffer::gateway {
namespace {

using nlohmann::json;

constexpr std::string_view kResourcePrefix = "arn:aws:s3:::";
constexpr std::size_t kStatementsMax = 200;
constexpr std::size_t kValuesMax = 1000;
constexpr std::size_t kPatternBytesMax = 2048;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

struct Malformed {
  std::string message;
};

/// Policy variables ("${aws:userid}") are not filled in here: such a text would be compared as it stands.
void refuse_variables(const std::string& text, std::string_view message) {
  if (text.size() > kPatternBytesMax || text.find("${") != std::string::npos)
    throw Malformed{std::string(message)};
}

/// "x" or ["x", "y"]; numbers and booleans as conditions may have them.
std::vector<std::string> texts(const json& value, std::string_view what) {
  std::vector<std::string> all;
  const auto add = [&](const json& one) {
    if (one.is_string())
      all.push_back(one.get<std::string>());
    else if (one.is_number() || one.is_boolean())
      all.push_back(one.dump());
    else
      throw Malformed{"Invalid " + std::string(what)};
  };
  if (value.is_array()) {
    for (const json& one : value) add(one);
  } else {
    add(value);
  }
  if (all.empty() || all.size() > kValuesMax) throw Malformed{"Invalid " + std::string(what)};
  return all;
}

/// The owner that a principal of a policy names: a canonical id, or an ARN of an account's root or user.
std::string owner_of(const std::string& principal) {
  constexpr std::string_view kIam = "arn:aws:iam::";
  // Only the whole of it may be a '*': part of a name would match nobody, and a Deny of it nothing.
  if (principal.empty() || principal.find_first_of("*?") != std::string::npos)
    throw Malformed{"Invalid principal in policy"};
  if (!principal.starts_with("arn:")) return principal;
  if (!principal.starts_with(kIam)) throw Malformed{"Invalid principal in policy"};
  const std::string rest = principal.substr(kIam.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string::npos) throw Malformed{"Invalid principal in policy"};
  const std::string account = rest.substr(0, colon);
  const std::string name = rest.substr(colon + 1);
  if (name == "root" && !account.empty()) return account;
  constexpr std::string_view kUser = "user/";
  if (!name.starts_with(kUser) || name.size() == kUser.size())
    throw Malformed{"Invalid principal in policy"};
  const std::string user = name.substr(name.rfind('/') + 1);
  return account.empty() ? user : account + "$" + user;
}

}  // namespace

class PolicyReader {
 public:
  explicit PolicyReader(std::string_view bucket) : bucket_(bucket) {}

  Policy read(const json& document) {
    if (!document.is_object()) throw Malformed{"Policies must be valid JSON objects"};
    const auto version = document.find("Version");
    if (version != document.end() && *version != "2012-10-17" && *version != "2008-10-17")
      throw Malformed{"The policy must contain a valid version string"};
    for (const auto& [name, value] : document.items()) {
      if (name != "Version" && name != "Id" && name != "Statement")
        throw Malformed{"Unknown field " + name};
    }
    const auto statements = document.find("Statement");
    if (statements == document.end()) throw Malformed{"Missing required field Statement"};
    Policy policy;
    if (statements->is_array()) {
      for (const json& one : *statements) policy.statements_.push_back(statement(one));
    } else {
      policy.statements_.push_back(statement(*statements));
    }
    if (policy.statements_.empty() || policy.statements_.size() > kStatementsMax)
      throw Malformed{"Missing required field Statement"};
    return policy;
  }

 private:
  Policy::Statement statement(const json& from) {
    if (!from.is_object()) throw Malformed{"Invalid Statement"};
    Policy::Statement to;
    bool principal = false;
    bool action = false;
    bool resource = false;
    bool effect = false;
    for (const auto& [name, value] : from.items()) {
      if (name == "Sid") {
        if (!value.is_string()) throw Malformed{"Invalid Sid"};
      } else if (name == "Effect") {
        effect = value == "Allow" || value == "Deny";
        to.allow = value == "Allow";
      } else if (name == "Principal" || name == "NotPrincipal") {
        if (std::exchange(principal, true)) throw Malformed{"Invalid principal in policy"};
        to.other_principals = name == "NotPrincipal";
        read_principal(value, to);
      } else if (name == "Action" || name == "NotAction") {
        if (std::exchange(action, true)) throw Malformed{"Policy has invalid action"};
        to.other_actions = name == "NotAction";
        read_actions(value, to);
      } else if (name == "Resource" || name == "NotResource") {
        if (std::exchange(resource, true)) throw Malformed{"Policy has invalid resource"};
        to.other_resources = name == "NotResource";
        read_resources(value, to);
      } else if (name == "Condition") {
        read_conditions(value, to);
      } else {
        throw Malformed{"Unknown field " + name};
      }
    }
    if (!effect) throw Malformed{"Invalid effect"};
    if (!principal) throw Malformed{"Missing required field Principal"};
    if (!action) throw Malformed{"Missing required field Action"};
    if (!resource) throw Malformed{"Missing required field Resource"};
    if (to.allow && to.other_principals) throw Malformed{"Allow with NotPrincipal is not allowed."};
    return to;
  }

  static void read_principal(const json& value, Policy::Statement& to) {
    if (value.is_string()) {
      if (value != "*") throw Malformed{"Invalid principal in policy"};
      to.everybody = true;
      return;
    }
    if (!value.is_object() || value.empty()) throw Malformed{"Invalid principal in policy"};
    for (const auto& [kind, names] : value.items()) {
      // Services and federated users do not exist here: such a statement concerns nobody.
      const bool known = kind == "AWS" || kind == "CanonicalUser";
      if (!known && kind != "Service" && kind != "Federated")
        throw Malformed{"Invalid principal in policy"};
      for (const std::string& name : texts(names, "principal in policy")) {
        if (!known) continue;
        if (name == "*" && kind == "AWS")
          to.everybody = true;
        else
          to.principals.push_back(owner_of(name));
      }
    }
  }

  static void read_actions(const json& value, Policy::Statement& to) {
    for (const std::string& action : texts(value, "action")) {
      if (!matches_an_action(lower(action))) throw Malformed{"Policy has invalid action"};
      to.actions.push_back(lower(action));
    }
  }

  void read_resources(const json& value, Policy::Statement& to) const {
    for (const std::string& resource : texts(value, "resource")) {
      if (!resource.starts_with(kResourcePrefix)) throw Malformed{"Policy has invalid resource"};
      refuse_variables(resource, "Policy has invalid resource");
      std::string pattern = resource.substr(kResourcePrefix.size());
      if (!matches_pattern(pattern.substr(0, pattern.find('/')), bucket_))
        throw Malformed{"Policy has invalid resource"};
      to.resources.push_back(std::move(pattern));
    }
  }

  static void read_conditions(const json& value, Policy::Statement& to) {
    if (!value.is_object()) throw Malformed{"Invalid Condition"};
    for (const auto& [name, keys] : value.items()) {
      const auto condition = Condition::from_operator(name);
      if (!condition || !keys.is_object()) throw Malformed{"Invalid Condition type : " + name};
      for (const auto& [key, values] : keys.items()) {
        Condition one = *condition;
        one.key = condition_key(key);
        if (!is_condition_key(one.key)) throw Malformed{"Policy has an invalid condition key"};
        one.values = texts(values, "Condition");
        for (const std::string& text : one.values)
          refuse_variables(text, "Invalid Condition value");
        if (!one.valid()) throw Malformed{"Invalid Condition value"};
        to.conditions.push_back(std::move(one));
      }
    }
  }

  const std::string bucket_;
};

tl::expected<Policy, std::string> Policy::parse(std::string_view text, std::string_view bucket) {
  if (text.size() > kPolicyBytesMax)
    return tl::unexpected<std::string>("Policy exceeds the maximum allowed document size.");
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded())
    return tl::unexpected<std::string>(
        "Policies must be valid JSON and the first byte must be '{'");
  try {
    return PolicyReader(bucket).read(document);
  } catch (const Malformed& malformed) {
    return tl::unexpected<std::string>(malformed.message);
  }
}

bool Policy::Statement::concerns(const Principal& who) const {
  const bool named =
      everybody || (!who.anonymous() &&
                    std::find(principals.begin(), principals.end(), who.id) != principals.end());
  return named != other_principals;
}

bool Policy::Statement::matches(const PolicyQuestion& question) const {
  if (!concerns(question.who)) return false;
  const auto any = [](const std::vector<std::string>& patterns, std::string_view text) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return matches_pattern(pattern, text); });
  };
  if (any(actions, lower(question.action)) == other_actions) return false;
  if (any(resources, question.resource) == other_resources) return false;
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    if (question.answers == nullptr || depends_on_object(condition.key))
      return condition.holds(question.values);
    const auto known = question.answers->find(&condition);
    if (known != question.answers->end()) return known->second;
    return question.answers->emplace(&condition, condition.holds(question.values)).first->second;
  });
}

bool Policy::Statement::is_public() const {
  return allow && everybody &&
         std::none_of(conditions.begin(), conditions.end(),
                      [](const Condition& c) { return c.narrows(); });
}

Policy::Answer Policy::evaluate(const PolicyQuestion& question) const {
  Answer answer = Answer::Silent;
  for (const Statement& statement : statements_) {
    if (!statement.matches(question)) continue;
    if (!statement.allow) return Answer::Deny;
    answer = Answer::Allow;
  }
  return answer;
}

bool Policy::is_public() const {
  return std::any_of(statements_.begin(), statements_.end(),
                     [](const Statement& statement) { return statement.is_public(); });
}

}  // namespace coffer::gateway
