#include "gateway/s3/post_object.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "gateway/s3/conditions.h"
#include "gateway/s3/cors.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/post_policy.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/tagging.h"

namespace coffer::gateway {
namespace {

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

/// Fields that mean the headers of a PUT.
bool is_header(std::string_view field) {
  static constexpr std::array<std::string_view, 6> kHeaders{
      "cache-control",    "content-type",     "content-disposition",
      "content-encoding", "content-language", "expires"};
  const bool proves = field == "x-amz-signature" || field == "x-amz-credential" ||
                      field == "x-amz-date" || field == "x-amz-algorithm";
  return std::find(kHeaders.begin(), kHeaders.end(), field) != kHeaders.end() ||
         (field.starts_with("x-amz-") && !proves);
}

std::optional<ChecksumKind> checksum_field(std::string_view field) {
  if (!field.starts_with(kChecksumPrefix)) return std::nullopt;
  return checksum_kind(field.substr(kChecksumPrefix.size()));
}

std::string with_file_name(std::string_view key, std::string_view file_name) {
  constexpr std::string_view kVariable = "${filename}";
  std::string result(key);
  // Some browsers send the whole path.
  const std::string_view name = file_name.substr(file_name.find_last_of("/\\") + 1);
  if (const std::size_t at = result.find(kVariable); at != std::string::npos)
    result.replace(at, kVariable.size(), name);
  return result;
}

}  // namespace

S3Result<std::unique_ptr<PostFormSink>> PostFormSink::create(std::unique_ptr<S3Call> call,
                                                             SigV4& auth) {
  auto parser = FormParser::create(call->header("content-type"));
  if (!parser) {
    return s3_fail(S3Code::PreconditionFailed,
                   "Bucket POST must be of the enclosure-type multipart/form-data");
  }
  return std::unique_ptr<PostFormSink>(new PostFormSink(std::move(call), auth, std::move(*parser)));
}

std::size_t PostFormSink::unframe(MutableBytes raw) {
  const bool began = parser_.file_began();
  const std::size_t payload = parser_.parse(raw);
  if (!began && parser_.file_began()) {
    for (const auto& [field, value] : parser_.fields()) {
      if (const auto kind = checksum_field(field)) checksum_.emplace(*kind);
    }
  }
  bytes_ += parser_.prefix().size() + payload;
  return payload;
}

void PostFormSink::verify(Bytes payload) {
  md5_.update(parser_.prefix());
  md5_.update(payload);
  if (!checksum_) return;
  checksum_->update(as_bytes(parser_.prefix()));
  checksum_->update(payload);
}

void PostFormSink::store(Bytes payload) {
  if (!parser_.file_began() || error_) return;
  if (!upload_) {
    if (auto opened = open(); !opened) {
      error_ = std::move(opened).error();
      return;
    }
  }
  if (bytes_ > bytes_max_.value_or(BodyVerifier::kObjectBytesMax)) {
    error_ = S3Error{S3Code::EntityTooLarge};
    return;
  }
  for (const Bytes piece : {as_bytes(parser_.prefix()), payload}) {
    if (piece.empty()) continue;
    if (auto written = upload_->writer->write(piece); !written) {
      error_ = inner_->failure(written.error(), Subject::Object);
      return;
    }
  }
}

/// Whose form it is; nothing: nobody's.
S3Result<PostFormSink::Signer> PostFormSink::signer() const {
  const auto policy = parser_.find("policy");
  FormSignature signature;
  signature.policy = policy.value_or("");
  signature.algorithm = parser_.find("x-amz-algorithm").value_or("");
  const bool v2 = parser_.find("signature") || parser_.find("awsaccesskeyid");
  const bool v4 = parser_.find("x-amz-signature") || !signature.algorithm.empty();
  if (!policy && !v2 && !v4) return Signer();
  const auto given = parser_.find(v4 ? "x-amz-signature" : "signature");
  signature.credential = parser_.find(v4 ? "x-amz-credential" : "awsaccesskeyid").value_or("");
  if (!policy || !given || signature.credential.empty()) {
    return s3_fail(S3Code::InvalidArgument,
                   "Bucket POST must contain a field named '" +
                       std::string(!policy  ? "policy"
                                   : !given ? "signature"
                                            : "AWSAccessKeyId") +
                       "'.  If it is specified, please check the order of the fields.");
  }
  signature.signature = *given;
  const auto id = auth_.verify_form(signature);
  if (!id) {
    return s3_fail(id.error() == AuthFailure::UnknownAccessKey ? S3Code::InvalidAccessKeyId
                   : id.error() == AuthFailure::WrongSignature ? S3Code::SignatureDoesNotMatch
                                                               : S3Code::InvalidArgument);
  }
  auto key = outer_->service.access_keys.find(*id);
  if (!key) return s3_fail(S3Code::InvalidAccessKeyId);
  return Signer{std::move(key), v4 ? FormKind::Version4 : FormKind::Version2};
}

S3Result<void> PostFormSink::check_policy() {
  const auto text = parser_.find("policy");
  if (!text) return {};
  const std::string json = from_base64(*text);
  if (json.empty()) return s3_fail(S3Code::InvalidPolicyDocument);
  S3_ASSIGN(const PostPolicy policy, PostPolicy::parse(json));
  PostPolicy::Fields fields = parser_.fields();
  for (auto& [field, value] : fields) {
    if (field == "key") value = with_file_name(value, parser_.file_name());
  }
  // What the form says of its bucket does not count.
  std::erase_if(fields, [](const auto& field) { return field.first == "bucket"; });
  fields.emplace_back("bucket", outer_->bucket);
  S3_TRY(policy.check(fields, static_cast<std::int64_t>(std::time(nullptr))));
  bytes_min_ = policy.bytes_min();
  bytes_max_ = policy.bytes_max();
  return {};
}

/// The call that a PUT with these fields as headers would be.
S3Result<void> PostFormSink::make_call(Signer signer) {
  const RequestHead& post = outer_->head;
  head_.reserve(post.path().size() + parser_.bytes_held());
  head_.set_line(Method::Put, "PUT", post.path());
  head_.set_request_id(post.request_id());
  head_.set_encrypted(post.encrypted());
  head_.set_peer(post.peer());
  for (const std::string_view kept : {"host", "origin", "user-agent", "referer"}) {
    if (const auto value = post.find(kept)) head_.add_field(kept, *value);
  }
  for (const auto& [field, value] : parser_.fields()) {
    if (field == "acl") head_.add_field("x-amz-acl", value);
    if (field == "tagging") {
      S3_ASSIGN(const Tags tags, parse_tagging(value, kObjectTagsMax));
      head_.add_field("x-amz-tagging", header_of_tags(tags));
    }
    if (is_header(field)) head_.add_field(field, value);
  }
  inner_ = std::make_unique<S3Call>(S3Call{outer_->service, head_, {}, {}, {}, nullptr, {}});
  inner_->bucket = outer_->bucket;
  inner_->operation = &kPutObject;
  inner_->signature.form = signer.kind;
  if (signer.key) inner_->be(std::move(*signer.key));
  return {};
}

S3Result<void> PostFormSink::open() {
  S3_ASSIGN(Signer who, signer());
  S3_TRY(check_policy());
  const auto name = parser_.find("key");
  S3_TRY(make_call(std::move(who)));
  if (!name || name->empty()) {
    return s3_fail(S3Code::InvalidArgument,
                   "Bucket POST must contain a field named 'key'.  If it is specified, please "
                   "check the order of the fields.");
  }
  inner_->key = with_file_name(*name, parser_.file_name());
  S3_TRY(let_in(*inner_));
  if (inner_->key.size() > kKeyBytesMax) return s3_fail(S3Code::KeyTooLongError);
  S3_ASSIGN(upload_, kPutObject.open(*inner_));
  return {};
}

Reply PostFormSink::success(const Reply& put) const {
  Reply reply;
  reply.fields = put.fields;
  const std::string location = std::string(outer_->head.encrypted() ? "https://" : "http://") +
                               std::string(outer_->header("host")) + "/" + inner_->bucket + "/" +
                               percent_encode(inner_->key, Slash::Keep);
  const auto info = inner_->service.objects.head(inner_->bucket, inner_->key);
  const std::string etag = info ? quoted_etag(info->etag) : std::string();
  const auto redirect = parser_.find("success_action_redirect");
  if (redirect && (redirect->starts_with("http://") || redirect->starts_with("https://"))) {
    const char joint = redirect->find('?') == std::string_view::npos ? '?' : '&';
    reply.status = 303;
    reply.add("Location", std::string(*redirect) + joint +
                              "bucket=" + percent_encode(inner_->bucket, Slash::Encode) +
                              "&key=" + percent_encode(inner_->key, Slash::Encode) +
                              "&etag=" + percent_encode(etag, Slash::Encode));
    return reply;
  }
  reply.add("Location", location);
  const std::string_view status = parser_.find("success_action_status").value_or("204");
  reply.status = status == "200" ? 200 : status == "201" ? 201 : 204;
  if (reply.status != 201) return reply;
  XmlWriter xml;
  xml.open("PostResponse");
  xml.element("Location", location);
  xml.element("Bucket", inner_->bucket);
  xml.element("Key", inner_->key);
  xml.element("ETag", etag);
  xml.close("PostResponse");
  reply.add("Content-Type", "application/xml");
  reply.body = std::move(xml).text();
  return reply;
}

S3Result<Reply> PostFormSink::answer() {
  if (parser_.failed()) return s3_fail(S3Code::MalformedPOSTRequest);
  if (!parser_.file_began()) {
    return s3_fail(S3Code::InvalidArgument, "POST requires exactly one file upload per request.");
  }
  if (!error_) store({});
  if (error_) return s3_fail(*error_);
  if (!parser_.done()) return s3_fail(S3Code::IncompleteBody);
  if (bytes_ < bytes_min_) return s3_fail(S3Code::EntityTooSmall);
  BodyProof proof;
  proof.size = bytes_;
  proof.md5 = md5_.finish();
  if (checksum_) {
    proof.checksum_kind = checksum_->kind();
    proof.checksum = to_base64(as_bytes(checksum_->finish()));
    for (const auto& [field, value] : parser_.fields()) {
      if (checksum_field(field) && value != proof.checksum) return s3_fail(S3Code::BadDigest);
    }
  }
  S3_ASSIGN(const Reply put, upload_->commit(*inner_, proof));
  return success(put);
}

Reply PostFormSink::finish() {
  // prefix() was stored with its window.
  const std::size_t nothing = parser_.parse({});
  static_cast<void>(nothing);
  auto reply = answer();
  Reply result = reply ? std::move(*reply) : error_reply(outer_->head, reply.error());
  add_cors_headers(inner_ ? *inner_ : *outer_, result);
  return result;
}

namespace {
// The form itself says who asks: nothing runs before it is read.
S3Result<Reply> form_only(S3Call&) { return s3_fail(S3Code::MethodNotAllowed); }
}  // namespace

const Operation kPostObject{.name = "PostObject",
                            .effect = Operation::Effect::Write,
                            .check = Operation::Check::Itself,
                            .action = "s3:PutObject",
                            .acl = AclPermission::Write,
                            .run = form_only};

}  // namespace coffer::gateway
