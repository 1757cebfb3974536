#pragma once
/// Policy: a bucket policy of IAM's policy language, parsed once and evaluated for each request.
///
/// Format    docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html; what is understood: docs/s3.md.
/// Threads   constant once parsed.
/// Errors    a message for the client where the text is no policy for this bucket. What is not understood is refused
///           when it is set, so that nothing is ever evaluated as something else.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/auth/policy_condition.h"
#include "gateway/auth/principal.h"

namespace coffer::gateway {

inline constexpr std::size_t kPolicyBytesMax = 20 * 1024;

/// What the conditions of a policy said that do not look at the object: kept by who asks the same policy about many objects of
/// one request.
using ConditionAnswers = std::map<const Condition*, bool>;

/// One question to a policy.
struct PolicyQuestion {
  const Principal& who;
  std::string_view action;    // "s3:GetObject"
  std::string_view resource;  // "bucket" or "bucket/key"
  const ConditionLookup& values;
  ConditionAnswers* answers = nullptr;  // none: every condition is evaluated
};

class Policy {
 public:
  enum class Answer { Silent, Allow, Deny };

  static tl::expected<Policy, std::string> parse(std::string_view text, std::string_view bucket);

  [[nodiscard]] Answer evaluate(const PolicyQuestion& question) const;
  /// Allows something to everybody (AWS's meaning of a public policy).
  [[nodiscard]] bool is_public() const;

 private:
  friend class PolicyReader;
  struct Statement {
    bool allow = false;
    bool everybody = false;               // Principal "*"
    bool other_principals = false;        // NotPrincipal
    std::vector<std::string> principals;  // as owner ids
    bool other_actions = false;
    std::vector<std::string> actions;  // patterns, lower case
    bool other_resources = false;
    std::vector<std::string> resources;  // patterns without arn:aws:s3:::
    std::vector<Condition> conditions;

    [[nodiscard]] bool concerns(const Principal& who) const;
    [[nodiscard]] bool matches(const PolicyQuestion& question) const;
    [[nodiscard]] bool is_public() const;
  };
  std::vector<Statement> statements_;
};

}  // namespace coffer::gateway
