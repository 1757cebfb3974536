#include "tests/gateway/two_owners.h"

namespace coffer::gateway {

std::string form_body(const Fields& fields, std::string_view file) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body +=
        "--BOUND\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  body += "--BOUND\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
  return body.append(file).append("\r\n--BOUND--\r\n");
}

}  // namespace coffer::gateway
