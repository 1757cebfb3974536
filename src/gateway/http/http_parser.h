#pragma once
/// HttpParser: one request's head and chunked body out of bytes, over Boost.Beast (kept out of
/// here: its headers are heavy).
///
/// Threads   one at a time.
/// Errors    Status::Malformed and TooLarge; hostile input gets no further.

#include <cstdint>
#include <memory>
#include <optional>

#include "coffer/core/bytes.h"
#include "gateway/http/request_head.h"

namespace coffer::gateway {

class HttpParser {
 public:
  enum class Status { NeedMore, NeedRoom, Done, Malformed, TooLarge };
  enum class Framing { None, Length, Chunked };
  struct Progress {
    Status status = Status::NeedMore;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  explicit HttpParser(std::size_t header_bytes_max);
  ~HttpParser();
  HttpParser(const HttpParser&) = delete;
  HttpParser& operator=(const HttpParser&) = delete;

  Progress head(Bytes in);
  /// After head() said Done.
  void describe(RequestHead& head) const;
  [[nodiscard]] Framing framing() const;
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] bool keep_alive() const;
  [[nodiscard]] bool http_1_1() const;

  /// Takes the transfer coding off. @pre framing() is Chunked and !out.empty()
  Progress chunked_body(Bytes in, MutableBytes out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::gateway
