#pragma once
/// The common shapes of replies.

#include <string>

#include "coffer/core/clock.h"
#include "gateway/http/date.h"
#include "gateway/s3/call.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

inline Reply xml_reply(XmlWriter xml) {
  Reply reply;
  reply.add("Content-Type", "application/xml");
  reply.body = std::move(xml).text();
  return reply;
}

inline Reply empty_reply(int status) {
  Reply reply;
  reply.status = status;
  return reply;
}

inline std::string iso_date(const Timespec& time) {
  return format_iso_date(time.seconds, time.nanoseconds / 1'000'000);
}

/// NoSuchBucket unless it is there.
inline S3Result<void> require_bucket(const S3Call& call) {
  const auto found = call.service.objects.bucket(call.bucket);
  if (!found) return s3_fail(call.failure(found.error(), Subject::Bucket));
  return {};
}

/// Without versioning every object has the one version "null".
inline S3Result<void> require_null_version(const S3Call& call) {
  const auto version = call.query.find("versionId");
  if (!version || *version == "null" || version->empty()) return {};
  return s3_fail(S3Code::NoSuchVersion);
}

}  // namespace coffer::gateway
