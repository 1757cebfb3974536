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

/// Of a new version; as AWS, nothing while versioning is suspended.
inline void add_new_version_header(const S3Call& call, std::string_view version, Reply& reply) {
  if (call.versioned() && version != kNullVersion) reply.add("x-amz-version-id", version);
}

/// Which version a request was about, where the bucket's objects have versions.
inline void add_version_header(const S3Call& call, std::string_view version, Reply& reply) {
  if (call.versioned()) reply.add("x-amz-version-id", version);
}

}  // namespace coffer::gateway
