#pragma once
/// PostPolicy: the policy document of a form upload: what its fields may say, and until when.
///
/// Format    docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
/// Threads   constant once parsed.
/// Errors    InvalidPolicyDocument where it is none; AccessDenied where a field is not what it asks for.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/s3/s3_error.h"

namespace coffer::gateway {

class PostPolicy {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  static S3Result<PostPolicy> parse(std::string_view json);
  /// `fields` with names in lower case, "bucket" among them.
  [[nodiscard]] S3Result<void> check(const Fields& fields, std::int64_t now_unix_s) const;
  [[nodiscard]] std::uint64_t bytes_min() const { return bytes_min_; }
  [[nodiscard]] std::optional<std::uint64_t> bytes_max() const { return bytes_max_; }

 private:
  friend class PostPolicyReader;
  struct Condition {
    enum class Kind { Equal, StartsWith } kind = Kind::Equal;
    std::string field, value;
  };
  std::int64_t expires_unix_s_ = 0;
  std::vector<Condition> conditions_;
  std::uint64_t bytes_min_ = 0;
  std::optional<std::uint64_t> bytes_max_;
};

}  // namespace coffer::gateway
