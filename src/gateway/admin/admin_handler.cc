#include "gateway/admin/admin_handler.h"

namespace coffer::gateway {
namespace {

Reply text_reply(int status, std::string text) {
  Reply reply;
  reply.status = status;
  reply.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  reply.body = std::move(text);
  return reply;
}

}  // namespace

Admission AdminHandler::begin(const RequestHead& head) {
  if (head.method() != Method::Get && head.method() != Method::Head) {
    return {text_reply(405, "method not allowed\n"), nullptr};
  }
  if (head.path() == "/metrics") return {text_reply(200, metrics_.render()), nullptr};
  if (head.path() == "/healthz") return {text_reply(200, "ok\n"), nullptr};
  if (head.path() == "/readyz") {
    const bool ready = ready_();
    return {text_reply(ready ? 200 : 503, ready ? "ready\n" : "not ready\n"), nullptr};
  }
  return {text_reply(404, "not found\n"), nullptr};
}

Reply AdminHandler::failure(const RequestHead&, HttpFailure failure) {
  return text_reply(failure == HttpFailure::Overloaded ? 503 : 400, "bad request\n");
}

}  // namespace coffer::gateway
