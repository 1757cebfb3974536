#pragma once
/// AdminHandler: /metrics in Prometheus' text form, /healthz (the process answers), /readyz (the vault
/// takes requests). Unauthenticated: for a port that only the operator reaches.
///
/// Threads   as Handler says.

#include <functional>

#include "coffer/core/metrics.h"
#include "gateway/http/handler.h"

namespace coffer::gateway {

class AdminHandler final : public Handler {
 public:
  /// `ready` may block.
  AdminHandler(Registry& metrics, std::function<bool()> ready)
      : metrics_(metrics), ready_(std::move(ready)) {}
  Admission begin(const RequestHead& head) override;
  Reply failure(const RequestHead& head, HttpFailure failure) override;
  void completed(const RequestHead&, const RequestOutcome&) override {}

 private:
  Registry& metrics_;
  const std::function<bool()> ready_;
};

}  // namespace coffer::gateway
