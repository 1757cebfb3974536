#include "gateway/s3/cors.h"

#include <algorithm>
#include <array>

#include "gateway/s3/number.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kRulesMax = 100;
constexpr std::array<std::string_view, 5> kMethods{"GET", "PUT", "POST", "DELETE", "HEAD"};

bool stars_fit(const std::vector<std::string>& patterns) {
  return std::all_of(patterns.begin(), patterns.end(), [](const std::string& pattern) {
    return std::count(pattern.begin(), pattern.end(), '*') <= 1;
  });
}

/// A '*' stands for any run; '?' is itself.
bool fits(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  return text.size() + 1 >= pattern.size() && text.starts_with(pattern.substr(0, star)) &&
         text.ends_with(pattern.substr(star + 1));
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

/// In lower case. Nothing where they are more than a rule allows.
std::optional<std::vector<std::string>> listed(std::string_view headers) {
  std::vector<std::string> names;
  while (!headers.empty()) {
    const std::size_t comma = headers.find(',');
    std::string_view header = headers.substr(0, comma);
    headers.remove_prefix(comma == std::string_view::npos ? headers.size() : comma + 1);
    while (header.starts_with(' ')) header.remove_prefix(1);
    while (header.ends_with(' ')) header.remove_suffix(1);
    if (header.empty()) continue;
    if (names.size() == kCorsHeadersMax) return std::nullopt;
    names.push_back(lower(header));
  }
  return names;
}

bool headers_allowed(const CorsRule& rule, const std::vector<std::string>& headers) {
  const std::vector<std::string>& patterns = rule.allowed_in_lower_case;
  return std::all_of(headers.begin(), headers.end(), [&](const std::string& header) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return fits(pattern, header); });
  });
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text.append(", ");
    text.append(item);
  }
  return text;
}

S3Result<CorsRule> parse_rule(const XmlElement& element) {
  CorsRule rule;
  for (const XmlElement& child : element.children) {
    if (child.name == "ID") rule.id = child.text;
    if (child.name == "AllowedOrigin") rule.origins.push_back(child.text);
    if (child.name == "AllowedMethod") rule.methods.push_back(child.text);
    if (child.name == "AllowedHeader") rule.allowed_headers.push_back(child.text);
    if (child.name == "ExposeHeader") rule.exposed_headers.push_back(child.text);
    if (child.name == "MaxAgeSeconds") {
      rule.max_age_seconds = parse_number(child.text);
      if (!rule.max_age_seconds) return s3_fail(S3Code::MalformedXML);
    }
  }
  const bool many = std::max({rule.origins.size(), rule.allowed_headers.size(),
                              rule.exposed_headers.size(), rule.methods.size()}) > kCorsHeadersMax;
  if (rule.origins.empty() || rule.methods.empty() || rule.id.size() > 255 || many)
    return s3_fail(S3Code::MalformedXML);
  for (const std::string& header : rule.allowed_headers)
    rule.allowed_in_lower_case.push_back(lower(header));
  for (const std::string& method : rule.methods) {
    if (std::find(kMethods.begin(), kMethods.end(), method) == kMethods.end()) {
      return s3_fail(
          S3Code::InvalidRequest,
          "Found unsupported HTTP method in CORS config. Unsupported method is " + method);
    }
  }
  if (!stars_fit(rule.origins) || !stars_fit(rule.allowed_headers)) {
    return s3_fail(S3Code::InvalidRequest,
                   "AllowedOrigin and AllowedHeader can not have more than one wildcard.");
  }
  return rule;
}

}  // namespace

S3Result<std::vector<CorsRule>> parse_cors(std::string_view document) {
  S3_ASSIGN(const XmlElement root, parse_xml(document, "CORSConfiguration"));
  std::vector<CorsRule> rules;
  for (const XmlElement& element : root.children) {
    if (element.name != "CORSRule") return s3_fail(S3Code::MalformedXML);
    S3_ASSIGN(CorsRule rule, parse_rule(element));
    rules.push_back(std::move(rule));
  }
  if (rules.empty() || rules.size() > kRulesMax) return s3_fail(S3Code::MalformedXML);
  return rules;
}

std::string write_cors(const std::vector<CorsRule>& rules) {
  XmlWriter xml;
  xml.open_document("CORSConfiguration");
  for (const CorsRule& rule : rules) {
    xml.open("CORSRule");
    if (!rule.id.empty()) xml.element("ID", rule.id);
    for (const std::string& method : rule.methods) xml.element("AllowedMethod", method);
    for (const std::string& origin : rule.origins) xml.element("AllowedOrigin", origin);
    for (const std::string& header : rule.allowed_headers) xml.element("AllowedHeader", header);
    for (const std::string& header : rule.exposed_headers) xml.element("ExposeHeader", header);
    if (rule.max_age_seconds) xml.element("MaxAgeSeconds", *rule.max_age_seconds);
    xml.close("CORSRule");
  }
  xml.close("CORSConfiguration");
  return std::move(xml).text();
}

const CorsRule* matching_rule(const std::vector<CorsRule>& rules, const CorsRequest& request) {
  const auto headers = listed(request.headers);
  if (!headers) return nullptr;
  const auto allows = [&](const CorsRule& rule) {
    return std::any_of(rule.origins.begin(), rule.origins.end(),
                       [&](const std::string& origin) { return fits(origin, request.origin); }) &&
           std::find(rule.methods.begin(), rule.methods.end(), request.method) !=
               rule.methods.end() &&
           headers_allowed(rule, *headers);
  };
  const auto found = std::find_if(rules.begin(), rules.end(), allows);
  return found == rules.end() ? nullptr : &*found;
}

void add_cors_headers(const CorsRule& rule, const CorsRequest& request, Reply& reply) {
  const bool any = std::find(rule.origins.begin(), rule.origins.end(), "*") != rule.origins.end();
  reply.add("Access-Control-Allow-Origin", any ? "*" : request.origin);
  reply.add("Access-Control-Allow-Methods", joined(rule.methods));
  if (!any) reply.add("Access-Control-Allow-Credentials", "true");
  if (!request.headers.empty()) reply.add("Access-Control-Allow-Headers", request.headers);
  if (!rule.exposed_headers.empty())
    reply.add("Access-Control-Expose-Headers", joined(rule.exposed_headers));
  if (rule.max_age_seconds)
    reply.add("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
  reply.add("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

void add_cors_headers(const S3Call& call, Reply& reply) {
  const auto origin = call.head.find("origin");
  if (!origin || !call.access) return;
  const auto document = call.access->setting(setting::kCors);
  if (!document) return;
  const auto rules = parse_cors(*document);
  if (!rules) return;
  const CorsRequest request{
      *origin, call.head.value_or("access-control-request-method", call.head.method_text()), {}};
  if (const CorsRule* const rule = matching_rule(*rules, request))
    add_cors_headers(*rule, request, reply);
}

}  // namespace coffer::gateway
