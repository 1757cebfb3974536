#pragma once
/// FormParser: multipart/form-data as browsers post it: fields first, then one file of any length, which streams.
///
/// Format    RFC 7578. What comes behind the file is ignored, as S3 does.
/// Threads   one at a time.
/// Errors    failed() where it is no such form, has more than kFieldBytesMax of fields, or a field whose name is no name of a
///           header or was there before: one that is read here and another that is read there would get around a policy.
/// Bounds    kFieldBytesMax of fields, as much that is not read yet, and less than a boundary of the file.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coffer/core/bytes.h"

namespace coffer::gateway {

class FormParser {
 public:
  static constexpr std::size_t kFieldBytesMax = std::size_t{64} << 10;
  static constexpr std::size_t kFieldsMax = 200;

  /// Nothing where the Content-Type is not that of a form.
  static std::optional<FormParser> create(std::string_view content_type);

  /// Leaves the bytes of the file at the front of `raw`; says how many. Before them belongs prefix().
  std::size_t parse(MutableBytes raw);
  /// Bytes of the file from earlier calls that might have been the boundary and were not.
  [[nodiscard]] std::string_view prefix() const { return prefix_; }

  [[nodiscard]] bool failed() const { return state_ == State::Failed; }
  [[nodiscard]] bool file_began() const { return state_ == State::File || state_ == State::Done; }
  [[nodiscard]] bool done() const { return state_ == State::Done; }
  /// Names in lower case, in their order; complete once the file began.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const {
    return fields_;
  }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] const std::string& file_name() const { return file_name_; }
  /// Memory that it holds.
  [[nodiscard]] std::size_t bytes_held() const { return field_bytes_ + text_.size(); }

 private:
  enum class State { Fields, File, Done, Failed };
  explicit FormParser(std::string_view boundary)
      : delimiter_("\r\n--" + std::string(boundary)), text_("\r\n") {}
  /// Reads parts out of text_; true once it stands behind the head of the file.
  bool read_fields();
  /// False where it may not be there.
  bool add_field(std::string name, std::string value);
  std::size_t take_file(MutableBytes raw);

  State state_ = State::Fields;
  std::string delimiter_;
  std::string text_;  // not yet read; a line break stands before the first boundary
  std::size_t matched_ = 0;
  std::string prefix_;
  std::vector<std::pair<std::string, std::string>> fields_;
  std::string file_name_;
  std::size_t field_bytes_ = 0;  // names and values, file_name_ too
};

}  // namespace coffer::gateway
