#include "gateway/s3/form_parser.h"

#include <algorithm>
#include <cstring>

#include "gateway/http/reply.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kBoundaryBytesMax = 200;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

/// The value of `name` in "form-data; name=\"key\"; filename=x".
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    std::string_view rest = header.substr(at + 1);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = lower(rest.substr(0, equals)) == name;
    rest.remove_prefix(equals + 1);
    std::string value;
    if (rest.starts_with('"')) {
      std::size_t i = 1;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        // Browsers escape quotes and leave other backslashes alone.
        if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\'))
          ++i;
        value.push_back(rest[i]);
      }
      rest.remove_prefix(std::min(i + 1, rest.size()));
    } else {
      value = std::string(rest.substr(0, rest.find(';')));
    }
    if (wanted) return value;
    const std::size_t next = rest.find(';');
    at = next == std::string_view::npos
             ? next
             : next + static_cast<std::size_t>(rest.data() - header.data());
  }
  return std::nullopt;
}

struct PartHead {
  std::string name;
  std::optional<std::string> file_name;
};

std::optional<PartHead> part_head(std::string_view lines) {
  PartHead head;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    if (!lower(line).starts_with("content-disposition:")) continue;
    const auto name = parameter(line, "name");
    if (!name) return std::nullopt;
    head.name = lower(*name);
    head.file_name = parameter(line, "filename");
  }
  if (head.name.empty()) return std::nullopt;
  return head;
}

}  // namespace

std::optional<FormParser> FormParser::create(std::string_view content_type) {
  if (!lower(content_type).starts_with("multipart/form-data")) return std::nullopt;
  const auto boundary = parameter(content_type, "boundary");
  const bool fits = boundary && !boundary->empty() && boundary->size() <= kBoundaryBytesMax &&
                    boundary->find('\r') == std::string::npos;
  if (!fits) return std::nullopt;
  return FormParser(*boundary);
}

std::optional<std::string_view> FormParser::find(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (field == name) return value;
  }
  return std::nullopt;
}

bool FormParser::add_field(std::string name, std::string value) {
  field_bytes_ += name.size() + value.size();
  const bool fits = fields_.size() < kFieldsMax && field_bytes_ <= kFieldBytesMax &&
                    std::all_of(name.begin(), name.end(), is_token_character) && !find(name);
  if (fits) fields_.emplace_back(std::move(name), std::move(value));
  return fits;
}

bool FormParser::read_fields() {
  while (true) {
    // text_ begins with a boundary and the line break behind it, or with less of that.
    if (text_.size() < delimiter_.size() + 2) return false;
    if (!text_.starts_with(delimiter_) || text_.compare(delimiter_.size(), 2, "\r\n") != 0) {
      state_ = State::Failed;  // "--" too: a form without a file
      return false;
    }
    const std::size_t head = delimiter_.size() + 2;
    const std::size_t head_end = text_.find("\r\n\r\n", head);
    if (head_end == std::string::npos) return false;
    auto part = part_head(std::string_view(text_).substr(head, head_end - head));
    if (!part) {
      state_ = State::Failed;
      return false;
    }
    const std::size_t value = head_end + 4;
    if (part->name == "file") {
      file_name_ = part->file_name.value_or(std::string());
      field_bytes_ += file_name_.size();
      if (field_bytes_ > kFieldBytesMax) state_ = State::Failed;
      text_.erase(0, value);
      return state_ != State::Failed;
    }
    // The line break before the boundary may be the one that ends the head of an empty value.
    const std::size_t end = text_.find(delimiter_, value - 2);
    if (end == std::string::npos) return false;
    if (!add_field(std::move(part->name),
                   end < value ? std::string() : text_.substr(value, end - value))) {
      state_ = State::Failed;
      return false;
    }
    text_.erase(0, end);
  }
}

std::size_t FormParser::parse(MutableBytes raw) {
  prefix_.clear();
  if (raw.empty()) return 0;
  if (state_ == State::Fields) {
    text_.append(as_text(Bytes(raw)));
    if (!read_fields()) {
      if (text_.size() > kFieldBytesMax) state_ = State::Failed;
      if (state_ == State::Failed) text_.clear();
      text_.shrink_to_fit();  // a whole window was in it
      return 0;
    }
    state_ = State::File;
    // What is left came with this call: the head of the file ended in it.
    const std::size_t left = text_.size();
    std::memmove(raw.data(), raw.data() + (raw.size() - left), left);
    text_ = {};
    return take_file(raw.first(left));
  }
  return state_ == State::File ? take_file(raw) : 0;
}

/// A '\r' begins the delimiter and is nowhere else in it: what matched in part and then did not holds no other
/// beginning of it.
std::size_t FormParser::take_file(MutableBytes raw) {
  const std::string_view text = as_text(Bytes(raw));
  std::size_t at = 0;
  if (matched_ > 0) {
    const std::size_t wanted = delimiter_.size() - matched_;
    const std::size_t n = std::min(wanted, text.size());
    if (text.substr(0, n) == std::string_view(delimiter_).substr(matched_, n)) {
      if (n == wanted) {
        state_ = State::Done;
      } else {
        matched_ += n;
      }
      return 0;
    }
    prefix_ = delimiter_.substr(0, matched_);
    matched_ = 0;
  }
  while (true) {
    at = text.find('\r', at);
    if (at == std::string_view::npos) return text.size();
    const std::size_t n = std::min(delimiter_.size(), text.size() - at);
    if (text.substr(at, n) == std::string_view(delimiter_).substr(0, n)) {
      if (n == delimiter_.size())
        state_ = State::Done;
      else
        matched_ = n;
      return at;
    }
    ++at;
  }
}

}  // namespace coffer::gateway
