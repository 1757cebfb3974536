#include "gateway/s3/body_sinks.h"

#include <algorithm>

#include "gateway/s3/cors.h"
#include "gateway/s3/gzip.h"

namespace coffer::gateway {

void WholeBodySink::store(Bytes payload) {
  if (body_.size() + payload.size() > call_->operation->body_bytes_max) {
    too_long_ = true;
    return;
  }
  // Rather than to grow twofold beyond what is counted; a length that is only announced takes no memory yet.
  if (body_.empty()) {
    body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(
        call_->head.content_length().value_or(0), call_->operation->body_bytes_max)));
  }
  body_.append(as_text(payload));
}

Reply WholeBodySink::finish() {
  Reply reply = answer();
  add_cors_headers(*call_, reply);
  compress_xml(call_->head, reply);
  return reply;
}

Reply WholeBodySink::answer() {
  if (too_long_) return error_reply(call_->head, {S3Code::MaxMessageLengthExceeded, {}, {}});
  auto proof = verifier_->finish();
  if (!proof) return error_reply(call_->head, proof.error());
  // Time has passed since the head: the bucket may be gone, be another's by now, or say something else.
  if (const auto let = let_in(*call_); !let) return error_reply(call_->head, let.error());
  auto reply = call_->operation->run_body(*call_, body_);
  if (reply && !call_->authorized) reply = s3_fail(S3Code::InternalError);
  return reply ? std::move(*reply) : error_reply(call_->head, reply.error());
}

void UploadSink::store(Bytes payload) {
  if (payload.empty() || store_error_) return;
  if (auto written = upload_->writer->write(payload); !written) {
    store_error_ = std::move(written).error();
  }
}

Reply UploadSink::finish() {
  Reply reply = answer();
  add_cors_headers(*call_, reply);
  return reply;
}

Reply UploadSink::answer() {
  if (store_error_) return error_reply(call_->head, call_->failure(*store_error_, Subject::Object));
  const auto proof = verifier_->finish();
  if (!proof) return error_reply(call_->head, proof.error());
  auto reply = upload_->commit(*call_, *proof);
  return reply ? std::move(*reply) : error_reply(call_->head, reply.error());
}

}  // namespace coffer::gateway
