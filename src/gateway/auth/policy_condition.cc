#include "gateway/auth/policy_condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "gateway/http/date.h"

namespace coffer::gateway {
namespace {

struct OperatorName {
  std::string_view name;
  Condition::Test test;
  bool negated;
};
using Test = Condition::Test;
constexpr std::array<OperatorName, 27> kOperators{{
    {"StringEquals", Test::StringEquals, false},
    {"StringNotEquals", Test::StringEquals, true},
    {"StringEqualsIgnoreCase", Test::StringEqualsIgnoreCase, false},
    {"StringNotEqualsIgnoreCase", Test::StringEqualsIgnoreCase, true},
    {"StringLike", Test::StringLike, false},
    {"StringNotLike", Test::StringLike, true},
    {"ArnEquals", Test::StringLike, false},
    {"ArnNotEquals", Test::StringLike, true},
    {"ArnLike", Test::StringLike, false},
    {"ArnNotLike", Test::StringLike, true},
    {"NumericEquals", Test::NumericEquals, false},
    {"NumericNotEquals", Test::NumericEquals, true},
    {"NumericLessThan", Test::NumericLessThan, false},
    {"NumericLessThanEquals", Test::NumericLessThanEquals, false},
    {"NumericGreaterThan", Test::NumericGreaterThan, false},
    {"NumericGreaterThanEquals", Test::NumericGreaterThanEquals, false},
    {"DateEquals", Test::DateEquals, false},
    {"DateNotEquals", Test::DateEquals, true},
    {"DateLessThan", Test::DateLessThan, false},
    {"DateLessThanEquals", Test::DateLessThanEquals, false},
    {"DateGreaterThan", Test::DateGreaterThan, false},
    {"DateGreaterThanEquals", Test::DateGreaterThanEquals, false},
    {"Bool", Test::Bool, false},
    {"IpAddress", Test::IpAddress, false},
    {"NotIpAddress", Test::IpAddress, true},
    {"Null", Test::Null, false},
    {"BinaryEquals", Test::StringEquals, false},
}};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// ISO 8601, or seconds since 1970.
std::optional<double> date(std::string_view text) {
  if (const auto iso = parse_iso_date(text)) return static_cast<double>(*iso);
  return number(text);
}

struct Network {
  int family = AF_INET;
  std::array<std::uint8_t, 16> address{};
  unsigned bits = 0;
};

std::optional<Network> network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network result;
  if (inet_pton(AF_INET, host.c_str(), result.address.data()) == 1) {
    result.bits = 32;
  } else if (inet_pton(AF_INET6, host.c_str(), result.address.data()) == 1) {
    result.family = AF_INET6;
    result.bits = 128;
  } else {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) return result;
  const std::string_view length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (error != std::errc() || end != length.data() + length.size() || bits > result.bits)
    return std::nullopt;
  result.bits = bits;
  return result;
}

bool within(std::string_view address, std::string_view range) {
  const auto a = network(address);
  const auto r = network(range);
  if (!a || !r || a->family != r->family) return false;
  for (unsigned bit = 0; bit < r->bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if ((a->address[bit / 8] & mask) != (r->address[bit / 8] & mask)) return false;
  }
  return true;
}

bool compare(Test test, double have, double wanted) {
  switch (test) {
    case Test::NumericEquals:
    case Test::DateEquals:
      return have == wanted;
    case Test::NumericLessThan:
    case Test::DateLessThan:
      return have < wanted;
    case Test::NumericLessThanEquals:
    case Test::DateLessThanEquals:
      return have <= wanted;
    case Test::NumericGreaterThan:
    case Test::DateGreaterThan:
      return have > wanted;
    case Test::NumericGreaterThanEquals:
    case Test::DateGreaterThanEquals:
      return have >= wanted;
    default:
      return false;
  }
}

bool is_date(Test test) { return test >= Test::DateEquals && test <= Test::DateGreaterThanEquals; }

bool matches_one(Test test, std::string_view have, std::string_view wanted) {
  switch (test) {
    case Test::StringEquals:
      return have == wanted;
    case Test::StringEqualsIgnoreCase:
    case Test::Bool:
      return lower(have) == lower(wanted);
    case Test::StringLike:
      return matches_pattern(wanted, have);
    case Test::IpAddress:
      return within(have, wanted);
    case Test::Null:
      return false;
    default: {
      const auto a = is_date(test) ? date(have) : number(have);
      const auto b = is_date(test) ? date(wanted) : number(wanted);
      return a && b && compare(test, *a, *b);
    }
  }
}

}  // namespace

namespace {

/// `run` holds no '*'. Whole blocks without a branch: who sets a policy also chooses the keys it is compared with.
bool run_fits(std::string_view run, std::string_view text) {
  constexpr std::size_t kBlock = 16;
  std::size_t i = 0;
  for (; i + kBlock <= run.size(); i += kBlock) {
    unsigned wrong = 0;
    for (std::size_t k = 0; k < kBlock; ++k)
      wrong |= static_cast<unsigned>((run[i + k] != text[i + k]) & (run[i + k] != '?'));
    if (wrong != 0) return false;
  }
  for (; i < run.size(); ++i) {
    if (run[i] != text[i] && run[i] != '?') return false;
  }
  return true;
}

/// Where `run` first fits in `text`, or npos.
std::size_t find_run(std::string_view run, std::string_view text) {
  if (run.empty()) return 0;
  if (run.find('?') == std::string_view::npos) {
    const void* const found = memmem(text.data(), text.size(), run.data(), run.size());
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  }
  for (std::size_t at = 0; at + run.size() <= text.size(); ++at) {
    if (run_fits(run, text.substr(at))) return at;
  }
  return std::string_view::npos;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // What stands between two '*' is taken where it fits first; what is before the first and behind the last fits at the ends.
  std::size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern.size() == text.size() && run_fits(pattern, text);
  if (star > text.size() || !run_fits(pattern.substr(0, star), text)) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (star = pattern.find('*'); star != std::string_view::npos; star = pattern.find('*')) {
    const std::size_t at = find_run(pattern.substr(0, star), text);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + star);
    pattern.remove_prefix(star + 1);
  }
  return pattern.size() <= text.size() &&
         run_fits(pattern, text.substr(text.size() - pattern.size()));
}

std::string condition_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  std::string result = lower(key.substr(0, slash));
  if (slash != std::string_view::npos) result.append(key.substr(slash));
  return result;
}

std::optional<Condition> Condition::from_operator(std::string_view name) {
  Condition condition;
  constexpr std::string_view kAll = "ForAllValues:";
  constexpr std::string_view kAny = "ForAnyValue:";
  constexpr std::string_view kIfExists = "IfExists";
  if (name.starts_with(kAll)) {
    condition.quantifier = Quantifier::ForAll;
    name.remove_prefix(kAll.size());
  } else if (name.starts_with(kAny)) {
    condition.quantifier = Quantifier::ForAny;
    name.remove_prefix(kAny.size());
  }
  if (name.ends_with(kIfExists)) {
    condition.if_exists = true;
    name.remove_suffix(kIfExists.size());
  }
  const auto known = std::find_if(kOperators.begin(), kOperators.end(), [&](const OperatorName& o) {
    return lower(o.name) == lower(name);
  });
  if (known == kOperators.end() || (known->test == Test::Null && condition.if_exists))
    return std::nullopt;
  condition.test = known->test;
  condition.negated = known->negated;
  return condition;
}

bool Condition::valid() const {
  return !values.empty() && std::all_of(values.begin(), values.end(), [&](const std::string& v) {
    if (test == Test::IpAddress) return network(v).has_value();
    if (test == Test::Bool || test == Test::Null) return lower(v) == "true" || lower(v) == "false";
    if (is_date(test)) return date(v).has_value();
    if (test >= Test::NumericEquals && test <= Test::NumericGreaterThanEquals)
      return number(v).has_value();
    return true;
  });
}

bool Condition::holds(const ConditionLookup& lookup) const {
  const std::vector<std::string> have = lookup(key);
  if (test == Test::Null) {
    return std::any_of(values.begin(), values.end(), [&](const std::string& wanted) {
      return (lower(wanted) == "true") == have.empty();
    });
  }
  if (have.empty() && quantifier == Quantifier::ForAny) return if_exists;
  if (have.empty()) return if_exists || negated || quantifier == Quantifier::ForAll;
  const auto fits = [&](const std::string& value) {
    const bool any = std::any_of(values.begin(), values.end(), [&](const std::string& wanted) {
      return matches_one(test, value, wanted);
    });
    return any != negated;
  };
  // A negated test without a quantifier asks that no value is among the wanted ones.
  const bool all =
      quantifier == Quantifier::ForAll || (quantifier == Quantifier::Single && negated);
  return all ? std::all_of(have.begin(), have.end(), fits)
             : std::any_of(have.begin(), have.end(), fits);
}

bool Condition::narrows() const {
  static constexpr std::array<std::string_view, 12> kNarrow{
      "aws:sourceip",      "aws:sourcearn",        "aws:sourcevpc",      "aws:sourcevpce",
      "aws:sourceaccount", "aws:sourceowner",      "aws:userid",         "aws:username",
      "aws:principalarn",  "aws:principalaccount", "aws:principalorgid", "s3:dataaccesspointarn"};
  if (negated || if_exists || quantifier == Quantifier::ForAll) return false;
  if (std::find(kNarrow.begin(), kNarrow.end(), key) == kNarrow.end()) return false;
  if (test == Test::IpAddress) {
    return std::all_of(values.begin(), values.end(), [](const std::string& value) {
      const auto range = network(value);
      return range && range->bits >= (range->family == AF_INET ? 8U : 32U);
    });
  }
  if (test != Test::StringEquals && test != Test::StringEqualsIgnoreCase &&
      test != Test::StringLike) {
    return false;
  }
  return test != Test::StringLike ||
         std::none_of(values.begin(), values.end(), [](const std::string& value) {
           return value.find_first_of("*?") != std::string::npos;
         });
}

}  // namespace coffer::gateway
