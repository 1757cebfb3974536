#include "gateway/auth/canonical_request.h"

#include <algorithm>
#include <vector>

#include "gateway/auth/digest.h"

namespace coffer::gateway {
namespace {

void append_path(std::string_view raw, std::string& out) {
  // Clients differ in what they escape; the signature is over the one normal form.
  const auto decoded = percent_decode(raw, Plus::Literal);
  if (raw.empty()) out.push_back('/');
  percent_encode(decoded ? std::string_view(*decoded) : raw, Slash::Keep, out);
}

void append_query(const QueryParameters& query, std::string& out) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(query.all().size());
  for (const auto& [name, value] : query.all()) {
    if (name == "X-Amz-Signature") continue;
    encoded.emplace_back(percent_encode(name, Slash::Encode), percent_encode(value, Slash::Encode));
  }
  std::sort(encoded.begin(), encoded.end());
  bool first = true;
  for (const auto& [name, value] : encoded) {
    if (!first) out.push_back('&');
    first = false;
    out.append(name).append("=").append(value);
  }
}

/// Trimmed, with runs of blanks as one.
void append_value(std::string_view value, std::string& out) {
  bool blank = false;
  bool any = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      blank = any;
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    any = true;
    out.push_back(c);
  }
}

void append_headers(const RequestHead& head, std::string_view signed_headers, std::string& out) {
  while (!signed_headers.empty()) {
    const std::size_t end = signed_headers.find(';');
    const std::string_view name = signed_headers.substr(0, end);
    signed_headers =
        end == std::string_view::npos ? std::string_view() : signed_headers.substr(end + 1);
    out.append(name).append(":");
    bool first = true;
    for (const HeaderField& field : head.fields()) {
      if (field.name != name) continue;
      if (!first) out.push_back(',');
      first = false;
      append_value(field.value, out);
    }
    out.push_back('\n');
  }
}

}  // namespace

std::string canonical_request(const CanonicalInput& input) {
  std::string out;
  out.reserve(1024);
  out.append(input.head.method_text()).push_back('\n');
  append_path(input.head.path(), out);
  out.push_back('\n');
  append_query(input.query, out);
  out.push_back('\n');
  append_headers(input.head, input.signed_headers, out);
  out.push_back('\n');
  out.append(input.signed_headers).push_back('\n');
  out.append(input.payload_hash);
  return out;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical) {
  std::string out = "AWS4-HMAC-SHA256\n";
  out.append(amz_date).push_back('\n');
  out.append(scope).push_back('\n');
  out.append(to_hex(sha256(canonical)));
  return out;
}

}  // namespace coffer::gateway
