#pragma once
/// Condition: one key of one operator of a policy statement's Condition block.
///
/// Threads   constant once parsed; pure functions.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::gateway {

/// The values that a condition key has for a request; empty: it has none. Keys are lower case, but for what
/// follows a '/' (the name of a tag).
using ConditionLookup = std::function<std::vector<std::string>(std::string_view key)>;

struct Condition {
  enum class Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    IpAddress,
    Null,
  };
  enum class Quantifier { Single, ForAll, ForAny };

  Test test = Test::StringEquals;
  bool negated = false;
  bool if_exists = false;
  Quantifier quantifier = Quantifier::Single;
  std::string key;
  std::vector<std::string> values;

  /// Reads "ForAllValues:StringNotLikeIfExists". Nothing for an operator that is not known.
  static std::optional<Condition> from_operator(std::string_view name);
  /// Each of `values` is one that the operator can compare with.
  [[nodiscard]] bool valid() const;
  [[nodiscard]] bool holds(const ConditionLookup& lookup) const;
  /// Holds for a fixed set of principals or places only, so that a statement with it is not public.
  [[nodiscard]] bool narrows() const;
};

/// '*' any run, '?' any one character.
bool matches_pattern(std::string_view pattern, std::string_view text);
/// As condition keys are compared: lower case up to the first '/'.
std::string condition_key(std::string_view key);

}  // namespace coffer::gateway
