#pragma once
/// Percent-encoding as S3 and SigV4 define it, and the query string.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::gateway {

enum class Slash { Keep, Encode };
enum class Plus { Literal, Space };

/// Appends `text` with everything but A-Z a-z 0-9 - . _ ~ (and '/' if kept) as %XX, upper case.
void percent_encode(std::string_view text, Slash slash, std::string& out);
std::string percent_encode(std::string_view text, Slash slash);

/// Nothing on a malformed escape.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

/// The decoded parameters of a query, in the order in which they came.
class QueryParameters {
 public:
  struct Parameter {
    std::string name;
    std::string value;
  };
  static constexpr std::size_t kParametersMax = 256;

  /// Nothing on a malformed escape or on more than kParametersMax parameters.
  static std::optional<QueryParameters> parse(std::string_view query);

  [[nodiscard]] const std::vector<Parameter>& all() const { return all_; }
  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::string_view value_or(std::string_view name, std::string_view other) const {
    return find(name).value_or(other);
  }

 private:
  std::vector<Parameter> all_;
};

}  // namespace coffer::gateway
