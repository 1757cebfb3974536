#include "gateway/s3/conditions.h"

#include "gateway/http/date.h"
#include "gateway/s3/number.h"

namespace coffer::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool lists_etag(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = bare_etag(trimmed(list.substr(0, comma)));
    if (item == "*" || item == etag) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::string_view bare_etag(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return etag;
}

std::string quoted_etag(std::string_view etag) {
  std::string quoted = "\"";
  quoted.append(etag).push_back('"');
  return quoted;
}

Verdict evaluate(const ReadConditions& conditions, std::string_view etag, std::int64_t modified) {
  if (conditions.if_match) {
    if (!lists_etag(*conditions.if_match, etag)) return Verdict::Failed;
  } else if (conditions.if_unmodified_since) {
    const auto date = parse_http_date(*conditions.if_unmodified_since);
    if (date && modified > *date) return Verdict::Failed;
  }
  if (conditions.if_none_match) {
    if (lists_etag(*conditions.if_none_match, etag)) return Verdict::NotModified;
  } else if (conditions.if_modified_since) {
    const auto date = parse_http_date(*conditions.if_modified_since);
    if (date && modified <= *date) return Verdict::NotModified;
  }
  return Verdict::Proceed;
}

ReadConditions read_conditions(const S3Call& call) {
  return {call.head.find("if-match"), call.head.find("if-none-match"),
          call.head.find("if-modified-since"), call.head.find("if-unmodified-since")};
}

ReadConditions copy_source_conditions(const S3Call& call) {
  return {call.head.find("x-amz-copy-source-if-match"),
          call.head.find("x-amz-copy-source-if-none-match"),
          call.head.find("x-amz-copy-source-if-modified-since"),
          call.head.find("x-amz-copy-source-if-unmodified-since")};
}

S3Result<WriteConditions> write_conditions(const S3Call& call) {
  WriteConditions conditions;
  if (call.access) conditions.if_bucket = call.access->bucket_id;
  if (const auto none_match = call.head.find("if-none-match")) {
    if (bare_etag(*none_match) == "*")
      conditions.if_none_match_any = true;
    else
      conditions.if_none_match = std::string(bare_etag(*none_match));
  }
  if (const auto match = call.head.find("if-match")) {
    conditions.if_match = std::string(bare_etag(*match));
  }
  return conditions;
}

std::optional<std::int64_t> parse_any_date(std::string_view text) {
  const auto http = parse_http_date(text);
  return http ? http : parse_iso_date(text);
}

S3Result<WriteConditions> delete_conditions(const S3Call& call) {
  S3_ASSIGN(WriteConditions conditions, write_conditions(call));
  if (const auto time = call.head.find("x-amz-if-match-last-modified-time")) {
    conditions.if_modified_unix_s = parse_any_date(*time);
    if (!conditions.if_modified_unix_s) return s3_fail(S3Code::InvalidArgument);
  }
  if (const auto size = call.head.find("x-amz-if-match-size")) {
    conditions.if_size = parse_number(*size);
    if (!conditions.if_size) return s3_fail(S3Code::InvalidArgument);
  }
  return conditions;
}

S3Error write_failure(const S3Call& call, const Error& error, Subject subject) {
  S3Error failure = call.failure(error, subject);
  if (error.code == Errc::Conflict) {
    failure.details.emplace_back("Condition",
                                 call.head.find("if-match") ? "If-Match" : "If-None-Match");
  }
  return failure;
}

}  // namespace coffer::gateway
