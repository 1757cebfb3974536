#pragma once
/// S3Handler: authenticates, routes, authorises and runs S3 requests.
///
/// Order: SigV4 first, so that who is not known learns nothing; then the operation; then the key's scope.
///
/// Borrows   the service, which outlives it, and through it the vault.
/// Threads   as Handler says.

#include <array>
#include <memory>

#include "coffer/core/metrics.h"
#include "gateway/auth/sigv4.h"
#include "gateway/http/handler.h"
#include "gateway/s3/call.h"

namespace coffer::gateway {

class S3Handler final : public Handler {
 public:
  S3Handler(S3Service& service, Registry& metrics);
  ~S3Handler() override;

  Admission begin(const RequestHead& head) override;
  Reply failure(const RequestHead& head, HttpFailure failure) override;
  void completed(const RequestHead& head, const RequestOutcome& outcome) override;

 private:
  class Secrets;
  S3Result<std::unique_ptr<S3Call>> authenticate(const RequestHead& head);
  S3Result<Admission> admit(std::unique_ptr<S3Call> call);

  S3Service& service_;
  const std::unique_ptr<Secrets> secrets_;
  SigV4 auth_;

  Counter& bytes_in_;
  Counter& bytes_out_;
  Counter& auth_failures_;
  std::array<Histogram*, 7> latency_{};  // by Method
  std::array<Counter*, 6> answers_{};    // by the status's first digit
};

}  // namespace coffer::gateway
