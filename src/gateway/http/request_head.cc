#include "gateway/http/request_head.h"

#include <cassert>

namespace coffer::gateway {

std::string_view RequestHead::keep(std::string_view text) {
  // The reservation is what keeps earlier views valid.
  assert(storage_.size() + text.size() <= storage_.capacity());
  const std::size_t at = storage_.size();
  storage_.append(text);
  return std::string_view(storage_).substr(at);
}

void RequestHead::set_line(Method method, std::string_view method_text, std::string_view target) {
  method_ = method;
  method_text_ = keep(method_text);
  std::string_view kept = keep(target);
  // Absolute form (RFC 9112 §3.2.2): only the path and query matter here.
  for (const std::string_view scheme :
       {std::string_view("http://"), std::string_view("https://")}) {
    if (!kept.starts_with(scheme)) continue;
    const std::size_t slash = kept.find_first_of("/?", scheme.size());
    kept = slash == std::string_view::npos ? std::string_view() : kept.substr(slash);
  }
  const std::size_t question = kept.find('?');
  path_ = kept.substr(0, question);
  query_ = question == std::string_view::npos ? std::string_view() : kept.substr(question + 1);
}

void RequestHead::add_field(std::string_view name, std::string_view value) {
  const std::size_t at = storage_.size();
  keep(name);
  for (std::size_t i = at; i < storage_.size(); ++i) {
    const char c = storage_[i];
    if (c >= 'A' && c <= 'Z') storage_[i] = static_cast<char>(c - 'A' + 'a');
  }
  const std::string_view kept_name = std::string_view(storage_).substr(at);
  fields_.push_back({kept_name, keep(value)});
}

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (const HeaderField& field : fields_) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

std::string_view RequestHead::value_or(std::string_view name, std::string_view other) const {
  return find(name).value_or(other);
}

}  // namespace coffer::gateway
