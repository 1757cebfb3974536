#include "gateway/s3/acl_request.h"
#include "gateway/s3/conditions.h"
#include "gateway/s3/number.h"
#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/replies.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

constexpr std::size_t kKeysMax = 1000;

struct Outcome {
  std::string key, version;
  Removed removed = {};
  std::optional<S3Error> error = {};
};

Outcome remove_one(const S3Call& call, const XmlElement& object, ConditionAnswers& answers) {
  Outcome outcome;
  outcome.key = std::string(object.child_text("Key").value_or(""));
  outcome.version = std::string(object.child_text("VersionId").value_or(""));
  const std::string_view action =
      outcome.version.empty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
  AccessTarget target{*call.access, call.bucket, outcome.key,
                      nullptr,      action,      AclPermission::Write};
  target.answers = &answers;
  if (!may_reach(call, target)) {
    outcome.error = S3Error{S3Code::AccessDenied};
    return outcome;
  }
  RemoveRequest request{call.bucket, outcome.key, outcome.version};
  request.bypass_governance = bypasses_governance(call, outcome.key);
  request.marker_properties = marker_properties(call);
  WriteConditions& conditions = request.conditions;
  conditions.if_bucket = call.access->bucket_id;
  if (const auto etag = object.child_text("ETag"))
    conditions.if_match = std::string(bare_etag(*etag));
  const auto size = object.child_text("Size");
  if (size) conditions.if_size = parse_number(*size);
  const auto time = object.child_text("LastModifiedTime");
  if (time) conditions.if_modified_unix_s = parse_any_date(*time);
  // What cannot be read is no condition that holds.
  if ((size && !conditions.if_size) || (time && !conditions.if_modified_unix_s)) {
    outcome.error = S3Error{S3Code::InvalidArgument};
    return outcome;
  }
  // One sync for all of them follows.
  auto removed = call.service.objects.remove(request, Durability::Relaxed);
  if (removed) {
    outcome.removed = std::move(*removed);
  } else if (removed.error().code == Errc::InvalidArgument && !outcome.version.empty()) {
    outcome.error = S3Error{S3Code::NoSuchVersion};
  } else if (removed.error().code != Errc::NotFound) {
    outcome.error = to_s3_error(removed.error(), Subject::Object);
  }
  return outcome;
}

void write_outcome(const Outcome& outcome, bool quiet, XmlWriter& xml) {
  if (!outcome.error) {
    if (quiet) return;
    xml.open("Deleted");
    xml.element("Key", outcome.key);
    if (!outcome.version.empty()) xml.element("VersionId", outcome.version);
    if (outcome.removed.marker) {
      xml.flag("DeleteMarker", true);
      xml.element("DeleteMarkerVersionId", outcome.removed.version);
    }
    xml.close("Deleted");
    return;
  }
  const S3CodeText& text = text_of(outcome.error->code);
  xml.open("Error");
  xml.element("Key", outcome.key);
  if (!outcome.version.empty()) xml.element("VersionId", outcome.version);
  xml.element("Code", text.name);
  xml.element("Message", text.message);
  xml.close("Error");
}

S3Result<Reply> delete_objects(S3Call& call, std::string_view body) {
  if (!call.access) return s3_fail(S3Code::NoSuchBucket);
  // Each key is asked for by itself; but a stranger is not told more than that nothing is his.
  call.authorized = !call.who.anonymous();
  S3_ASSIGN(const XmlElement request, parse_xml(body, "Delete"));
  std::vector<const XmlElement*> objects;
  for (const XmlElement& element : request.children) {
    if (element.name != "Object") continue;
    if (element.child_text("Key").value_or("").empty()) return s3_fail(S3Code::MalformedXML);
    objects.push_back(&element);
  }
  if (objects.empty() || objects.size() > kKeysMax) return s3_fail(S3Code::MalformedXML);
  const bool quiet = request.child_text("Quiet").value_or("") == "true";

  XmlWriter xml;
  xml.open_document("DeleteResult");
  ConditionAnswers answers;
  for (const XmlElement* object : objects) {
    const Outcome outcome = remove_one(call, *object, answers);
    if (!outcome.error || outcome.error->code != S3Code::AccessDenied) call.authorized = true;
    write_outcome(outcome, quiet, xml);
  }
  if (!call.authorized) return s3_fail(S3Code::AccessDenied);
  xml.close("DeleteResult");
  if (call.service.durability == Durability::Synced) {
    const auto synced = call.service.sync();
    if (!synced) return s3_fail(call.failure(synced.error(), Subject::Object));
  }
  call.changed();
  return xml_reply(std::move(xml));
}

}  // namespace

const Operation kDeleteObjects{.name = "DeleteObjects",
                               .effect = Operation::Effect::Write,
                               .check = Operation::Check::Itself,
                               .action = "s3:DeleteObject",
                               .acl = AclPermission::Write,
                               .run_body = delete_objects,
                               .body_bytes_max = 4 * 1024 * 1024};

}  // namespace coffer::gateway
