#include "gateway/s3/bucket_name.h"

#include <algorithm>

namespace coffer::gateway {
namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool looks_like_ipv4(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!is_alphanumeric(name.front()) || !is_alphanumeric(name.back())) return false;
  const bool letters = std::all_of(
      name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
  const auto has = [&](std::string_view what) { return name.find(what) != std::string_view::npos; };
  return letters && !has(".-") && !has("-.") && name.find("..") == std::string_view::npos &&
         !looks_like_ipv4(name) && !name.starts_with("xn--") && !name.starts_with("sthree-") &&
         !name.ends_with("-s3alias") && !name.ends_with("--ol-s3");
}

}  // namespace coffer::gateway
