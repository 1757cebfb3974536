#include "gateway/s3/router.h"

#include <algorithm>
#include <array>

namespace coffer::gateway {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return has_port ? host.substr(0, colon) : host;
}

/// Sub-resources of buckets and objects that S3 knows and that are not served.
constexpr std::array<std::string_view, 30> kUnserved{"accelerate",
                                                     "acl",
                                                     "analytics",
                                                     "attributes",
                                                     "cors",
                                                     "encryption",
                                                     "intelligent-tiering",
                                                     "inventory",
                                                     "legal-hold",
                                                     "lifecycle",
                                                     "logging",
                                                     "metadataTable",
                                                     "metrics",
                                                     "notification",
                                                     "object-lock",
                                                     "ownershipControls",
                                                     "policy",
                                                     "policyStatus",
                                                     "publicAccessBlock",
                                                     "renameObject",
                                                     "replication",
                                                     "requestPayment",
                                                     "restore",
                                                     "retention",
                                                     "select",
                                                     "session",
                                                     "tagging",
                                                     "torrent",
                                                     "versioning",
                                                     "website"};

/// Settings that a bucket here never has, and that are therefore answered as AWS answers then.
constexpr std::array<std::string_view, 6> kAbsentSettings{
    "accelerate", "logging", "notification", "replication", "requestPayment", "website"};

/// Sub-resources that are served, with what each method does.
struct SubResource {
  std::string_view parameter;
  const Operation *get = nullptr, *put = nullptr, *remove = nullptr;

  [[nodiscard]] const Operation* of(Method method) const {
    const Operation* found = nullptr;
    if (method == Method::Get) found = get;
    if (method == Method::Put) found = put;
    if (method == Method::Delete) found = remove;
    return found != nullptr ? found : &kMethodNotAllowed;
  }
};
constexpr std::array<SubResource, 11> kBucketSettings{{
    {"acl", &kGetBucketAcl, &kPutBucketAcl, nullptr},
    {"cors", &kGetBucketCors, &kPutBucketCors, &kDeleteBucketCors},
    {"encryption", &kGetBucketEncryption, &kPutBucketEncryption, &kDeleteBucketEncryption},
    {"lifecycle", &kGetBucketLifecycle, &kPutBucketLifecycle, &kDeleteBucketLifecycle},
    {"object-lock", &kGetObjectLockConfiguration, &kPutObjectLockConfiguration, nullptr},
    {"ownershipControls", &kGetOwnershipControls, &kPutOwnershipControls,
     &kDeleteOwnershipControls},
    {"policy", &kGetBucketPolicy, &kPutBucketPolicy, &kDeleteBucketPolicy},
    {"policyStatus", &kGetBucketPolicyStatus, nullptr, nullptr},
    {"publicAccessBlock", &kGetPublicAccessBlock, &kPutPublicAccessBlock,
     &kDeletePublicAccessBlock},
    {"tagging", &kGetBucketTagging, &kPutBucketTagging, &kDeleteBucketTagging},
    {"versioning", &kGetBucketVersioning, &kPutBucketVersioning, nullptr},
}};
constexpr std::array<SubResource, 5> kObjectSettings{{
    {"attributes", &kGetObjectAttributes, nullptr, nullptr},
    {"acl", &kGetObjectAcl, &kPutObjectAcl, nullptr},
    {"legal-hold", &kGetObjectLegalHold, &kPutObjectLegalHold, nullptr},
    {"retention", &kGetObjectRetention, &kPutObjectRetention, nullptr},
    {"tagging", &kGetObjectTagging, &kPutObjectTagging, &kDeleteObjectTagging},
}};

const Operation* sub_resource(std::span<const SubResource> table, Method method,
                              const QueryParameters& query) {
  for (const SubResource& one : table) {
    if (query.has(one.parameter)) return one.of(method);
  }
  return nullptr;
}

/// A parameter that no operation reads would be one that is not done: a sub-resource from after this was written. What signs the
/// request and what clients say of themselves is none.
bool has_unknown(const QueryParameters& query, std::span<const std::string_view> known) {
  return std::any_of(query.all().begin(), query.all().end(), [&](const auto& parameter) {
    return !lower(parameter.name).starts_with("x-amz-") && parameter.name != "x-id" &&
           std::find(known.begin(), known.end(), parameter.name) == known.end();
  });
}

bool has_any(const QueryParameters& query, std::span<const std::string_view> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return query.has(name); });
}

const Operation* service_operation(Method method) {
  return method == Method::Get || method == Method::Head ? &kListBuckets : &kMethodNotAllowed;
}

const Operation* bucket_operation(Method method, const QueryParameters& query) {
  if (method == Method::Options) return &kPreflight;
  if (const Operation* const found = sub_resource(kBucketSettings, method, query)) return found;
  if (method == Method::Get) {
    if (query.has("location")) return &kGetBucketLocation;
    if (query.has("uploads")) return &kListMultipartUploads;
    if (query.has("versions")) return &kListObjectVersions;
    if (has_any(query, kAbsentSettings)) return &kGetBucketSetting;
    if (has_any(query, kUnserved)) return &kNotImplemented;
    return query.value_or("list-type", {}) == "2" ? &kListObjectsV2 : &kListObjects;
  }
  if (method == Method::Post && query.has("delete")) return &kDeleteObjects;
  const bool changes = method == Method::Put || method == Method::Delete;
  if (has_any(query, kUnserved) || (changes && has_unknown(query, {}))) return &kNotImplemented;
  switch (method) {
    case Method::Put:
      return &kCreateBucket;
    case Method::Head:
      return &kHeadBucket;
    case Method::Delete:
      return &kDeleteBucket;
    case Method::Post:
      return &kPostObject;
    default:
      return &kMethodNotAllowed;
  }
}

const Operation* object_operation(const RequestHead& head, const QueryParameters& query) {
  const bool of_upload = query.has("uploadId");
  const bool copies = head.find("x-amz-copy-source").has_value();
  if (head.method() == Method::Options) return &kPreflight;
  if (const Operation* const found = sub_resource(kObjectSettings, head.method(), query))
    return found;
  static constexpr std::array<std::string_view, 3> kKnown{"uploadId", "partNumber", "versionId"};
  const bool changes = head.method() == Method::Put || head.method() == Method::Delete;
  if (has_any(query, kUnserved) || (changes && has_unknown(query, kKnown))) return &kNotImplemented;
  switch (head.method()) {
    case Method::Get:
      return of_upload ? &kListParts : &kGetObject;
    case Method::Head:
      return &kHeadObject;
    case Method::Put:
      if (of_upload) return copies ? &kUploadPartCopy : &kUploadPart;
      return copies ? &kCopyObject : &kPutObject;
    case Method::Post:
      if (query.has("uploads")) return &kCreateMultipartUpload;
      return of_upload ? &kCompleteMultipartUpload : &kNotImplemented;
    case Method::Delete:
      return of_upload ? &kAbortMultipartUpload : &kDeleteObject;
    case Method::Options:
    case Method::Other:
      return &kMethodNotAllowed;
  }
  __builtin_unreachable();
}

}  // namespace

S3Result<Target> find_target(const RequestHead& head, std::span<const std::string> domains) {
  auto path = percent_decode(head.path(), Plus::Literal);
  if (!path) return s3_fail(S3Code::InvalidURI);
  if (!path->empty() && path->front() != '/') return s3_fail(S3Code::InvalidURI);
  Target target;
  const std::string_view host = without_port(head.value_or("host", {}));
  for (const std::string& domain : domains) {
    if (host.size() <= domain.size() + 1 || !host.ends_with(domain) ||
        host[host.size() - domain.size() - 1] != '.') {
      continue;
    }
    target.bucket = std::string(host.substr(0, host.size() - domain.size() - 1));
    target.key = path->empty() ? std::string() : path->substr(1);
    return target;
  }
  const std::string_view rest =
      path->empty() ? std::string_view() : std::string_view(*path).substr(1);
  const std::size_t slash = rest.find('/');
  target.bucket = std::string(rest.substr(0, slash));
  if (slash != std::string_view::npos) target.key = std::string(rest.substr(slash + 1));
  return target;
}

namespace {

/// Presigned URLs may carry headers as parameters. Those that say what is written are not read here, so it would be written without
/// them.
bool carries_headers(const QueryParameters& query) {
  static constexpr std::array<std::string_view, 10> kRead{
      "x-amz-algorithm",      "x-amz-credential",
      "x-amz-date",           "x-amz-expires",
      "x-amz-signedheaders",  "x-amz-signature",
      "x-amz-content-sha256", "x-amz-security-token",
      "x-amz-user-agent",     "x-amz-sdk-checksum-algorithm"};
  return std::any_of(query.all().begin(), query.all().end(), [](const auto& parameter) {
    const std::string name = lower(parameter.name);
    return name.starts_with("x-amz-") && !name.starts_with("x-amz-checksum-") &&
           std::find(kRead.begin(), kRead.end(), name) == kRead.end();
  });
}

}  // namespace

const Operation* find_operation(const RequestHead& head, const QueryParameters& query,
                                const Target& target) {
  const bool writes = head.method() == Method::Put || head.method() == Method::Post;
  if (writes && !target.bucket.empty() && carries_headers(query)) return &kNotImplemented;
  if (target.bucket.empty()) return service_operation(head.method());
  if (target.key.empty()) return bucket_operation(head.method(), query);
  return object_operation(head, query);
}

}  // namespace coffer::gateway
