#pragma once
/// PostFormSink: a browser's form upload. Who it is comes with the fields, in front of the file.
///
///   fields ─► who, policy, bucket, PutObject's own checks ─► file, streaming ─► commit
///
/// Owns      the parser, the request that the fields make, and the upload.
/// Threads   as BodySink says.
/// Errors    AWS's; nothing is kept of a form that is refused.

#include <memory>
#include <optional>
#include <string>

#include "gateway/auth/sigv4.h"
#include "gateway/http/handler.h"
#include "gateway/s3/body_verifier.h"
#include "gateway/s3/call.h"
#include "gateway/s3/form_parser.h"

namespace coffer::gateway {

class PostFormSink final : public BodySink {
 public:
  /// MalformedPOSTRequest where the body is announced as something else.
  static S3Result<std::unique_ptr<PostFormSink>> create(std::unique_ptr<S3Call> call, SigV4& auth);

  std::size_t unframe(MutableBytes raw) override;
  void verify(Bytes payload) override;
  void store(Bytes payload) override;
  /// The fields stand in the parser, and again in the head that they make.
  [[nodiscard]] std::size_t bytes_held(std::size_t) const override {
    return 2 * parser_.bytes_held();
  }
  [[nodiscard]] bool failed() const override { return error_.has_value() || parser_.failed(); }
  Reply finish() override;

 private:
  PostFormSink(std::unique_ptr<S3Call> call, SigV4& auth, FormParser parser)
      : outer_(std::move(call)), auth_(auth), parser_(std::move(parser)) {}
  /// With all fields there: lets in, and opens the upload.
  S3Result<void> open();
  struct Signer {
    std::optional<AccessKey> key;  // none: nobody
    FormKind kind = FormKind::None;
  };
  S3Result<Signer> signer() const;
  S3Result<void> check_policy();
  S3Result<void> make_call(Signer signer);
  S3Result<Reply> answer();
  Reply success(const Reply& put) const;

  const std::unique_ptr<S3Call> outer_;  // of the POST as it came
  SigV4& auth_;
  FormParser parser_;
  RequestHead head_;               // of the PUT that the fields mean
  std::unique_ptr<S3Call> inner_;  // over head_
  std::unique_ptr<Upload> upload_;
  std::optional<S3Error> error_;  // set by store() and finish() only

  std::uint64_t bytes_ = 0, bytes_min_ = 0;
  std::optional<std::uint64_t> bytes_max_;
  Digest md5_{Digest::Kind::Md5};
  std::optional<Checksum> checksum_;  // made by unframe(), when the file begins
};

}  // namespace coffer::gateway
