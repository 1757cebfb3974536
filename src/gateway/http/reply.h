#pragma once
/// Reply: what is answered to a request, with its body in memory or as a source to stream from.
///
/// Owns      its text and its source.
/// Threads   one at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"

namespace coffer::gateway {

/// A body that is read while it is sent. read() is called on a worker and may block.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Result<std::size_t> read(std::uint64_t offset, MutableBytes out) = 0;
};

struct Reply {
  int status = 200;
  std::string fields;  // complete header lines, without Date, Content-Length and Connection
  std::string body;    // used when there is no source
  std::unique_ptr<BodySource> source;
  std::uint64_t source_offset = 0;
  std::uint64_t source_length = 0;
  /// The Content-Length of an answer to HEAD, which has no body.
  std::optional<std::uint64_t> length_only;
  bool close = false;

  /// Control characters in `value` become blanks, and what no name may hold a '-' in `name`: neither can forge a line.
  void add(std::string_view name, std::string_view value);
};

/// May stand in the name of a header field (RFC 9110 §5.6.2).
bool is_token_character(char c);

/// "Not Found" for 404.
std::string_view reason_phrase(int status);

}  // namespace coffer::gateway
