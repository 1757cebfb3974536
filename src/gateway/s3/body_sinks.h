#pragma once
/// The two ways of taking a body: whole, for XML, and streaming into the vault.

#include <memory>
#include <string>

#include "gateway/http/handler.h"
#include "gateway/s3/body_verifier.h"
#include "gateway/s3/call.h"

namespace coffer::gateway {

/// Collects a short body, then runs the operation with it.
class WholeBodySink final : public BodySink {
 public:
  WholeBodySink(std::unique_ptr<S3Call> call, std::unique_ptr<BodyVerifier> verifier)
      : call_(std::move(call)), verifier_(std::move(verifier)) {}
  std::size_t unframe(MutableBytes raw) override { return verifier_->unframe(raw); }
  void verify(Bytes payload) override { verifier_->update(payload); }
  void store(Bytes payload) override;
  [[nodiscard]] std::size_t bytes_held(std::size_t payload_bytes) const override {
    return body_.size() + payload_bytes;
  }
  [[nodiscard]] bool failed() const override { return too_long_ || verifier_->failed(); }
  Reply finish() override;

 private:
  Reply answer();
  const std::unique_ptr<S3Call> call_;
  const std::unique_ptr<BodyVerifier> verifier_;
  std::string body_;
  bool too_long_ = false;
};

/// Writes a body into the vault while it is verified; commits it only after all has held.
class UploadSink final : public BodySink {
 public:
  UploadSink(std::unique_ptr<S3Call> call, std::unique_ptr<BodyVerifier> verifier,
             std::unique_ptr<Upload> upload)
      : call_(std::move(call)), verifier_(std::move(verifier)), upload_(std::move(upload)) {}
  std::size_t unframe(MutableBytes raw) override { return verifier_->unframe(raw); }
  void verify(Bytes payload) override { verifier_->update(payload); }
  void store(Bytes payload) override;
  [[nodiscard]] bool failed() const override { return store_error_ || verifier_->failed(); }
  Reply finish() override;

 private:
  Reply answer();
  const std::unique_ptr<S3Call> call_;
  const std::unique_ptr<BodyVerifier> verifier_;
  const std::unique_ptr<Upload> upload_;
  std::optional<Error> store_error_;
};

}  // namespace coffer::gateway
