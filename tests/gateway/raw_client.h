#pragma once
/// RawClient: a blocking socket to a server under test, byte by byte if need be; sign() makes a signed
/// request's head. Every wait is bounded by kTimeoutSeconds.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::gateway {

inline constexpr std::string_view kTestAccessKey = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view kTestSecret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY0";

using Fields = std::vector<std::pair<std::string, std::string>>;

struct TestKey {
  std::string_view id = kTestAccessKey, secret = kTestSecret;
};

/// The head of a request, signed with the test key, ending with its blank line. `target` may hold a query.
std::string sign(std::string_view method, std::string_view target, const Fields& fields,
                 std::string_view payload_hash = "UNSIGNED-PAYLOAD", const TestKey& key = {});
/// The same of nobody.
std::string unsigned_head(std::string_view method, std::string_view target, const Fields& fields);

struct RawReply {
  int status = 0;  // 0: the server closed without one
  std::string head;
  std::string body;
  [[nodiscard]] std::string field(std::string_view lower_name) const;
};

class RawClient {
 public:
  static constexpr int kTimeoutSeconds = 20;
  explicit RawClient(const std::string& endpoint);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False when the server has gone.
  bool send(std::string_view bytes);
  /// One reply by its Content-Length; `head_only` for HEAD.
  enum class Expect { Body, HeadOnly };
  RawReply receive(Expect expect = Expect::Body);
  /// True once the server closed its side, with nothing more to read.
  bool closed_by_server();
  RawReply request(std::string_view method, std::string_view target, const Fields& fields = {},
                   std::string_view body = {});

 private:
  bool fill();
  int socket_ = -1;
  std::string buffer_;
};

}  // namespace coffer::gateway
