#include "gateway/http/request_head.h"

#include <algorithm>
#include <cstring>

namespace coffer::gateway {
namespace {

constexpr std::size_t kBlockBytesMin = 1024;

std::string_view view(std::span<const char> text) { return {text.data(), text.size()}; }

}  // namespace

void RequestHead::add_block(std::size_t bytes) {
  blocks_.push_back({std::make_unique_for_overwrite<char[]>(bytes), bytes, 0});
}

std::span<char> RequestHead::keep(std::string_view text) {
  if (blocks_.empty() || text.size() > blocks_.back().size - blocks_.back().used)
    add_block(std::max(kBlockBytesMin, text.size()));
  Block& block = blocks_.back();
  const std::span<char> kept(block.bytes.get() + block.used, text.size());
  if (!text.empty()) std::memcpy(kept.data(), text.data(), text.size());
  block.used += text.size();
  return kept;
}

void RequestHead::set_line(Method method, std::string_view method_text, std::string_view target) {
  method_ = method;
  method_text_ = view(keep(method_text));
  std::string_view kept = view(keep(target));
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
  const std::span<char> kept_name = keep(name);
  for (char& c : kept_name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  fields_.push_back({view(kept_name), view(keep(value))});
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
