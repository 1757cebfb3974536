#pragma once
/// RequestHead: one request's line and header fields, in our own memory.
///
/// Owns      the bytes behind every view that it hands out; they stand still and live as long as it does.
/// Threads   built by the connection, then read by anybody; never changed after seal().
/// Bounds    who fills it limits its size: the connection the header's, FormParser a form's fields.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::gateway {

enum class Method { Get, Head, Put, Post, Delete, Options, Other };

struct HeaderField {
  std::string_view name;  // lower case
  std::string_view value;
};

class RequestHead {
 public:
  RequestHead() = default;
  explicit RequestHead(std::size_t bytes) { reserve(bytes); }
  RequestHead(const RequestHead&) = delete;
  RequestHead& operator=(const RequestHead&) = delete;

  /// One piece of memory for all that is going to be added; more than that gets pieces of its own. An idle connection has
  /// a head too, so the room is made late.
  void reserve(std::size_t bytes) { add_block(bytes); }
  void set_line(Method method, std::string_view method_text, std::string_view target);
  void add_field(std::string_view name, std::string_view value);
  void set_content_length(std::optional<std::uint64_t> length) { content_length_ = length; }
  void set_request_id(std::string id) { request_id_ = std::move(id); }
  void set_encrypted(bool encrypted) { encrypted_ = encrypted; }
  void set_peer(std::string address) { peer_ = std::move(address); }

  [[nodiscard]] Method method() const { return method_; }
  [[nodiscard]] std::string_view method_text() const { return method_text_; }
  /// Path and query as they came, still percent-encoded; query() is without the '?'.
  [[nodiscard]] std::string_view path() const { return path_; }
  [[nodiscard]] std::string_view query() const { return query_; }
  [[nodiscard]] const std::vector<HeaderField>& fields() const { return fields_; }
  /// The first field of that (lower-case) name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::string_view value_or(std::string_view name, std::string_view other) const;
  /// Absent when the body is chunked, or none was announced.
  [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }
  [[nodiscard]] const std::string& request_id() const { return request_id_; }
  [[nodiscard]] bool encrypted() const { return encrypted_; }
  /// The client's address, without its port.
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0, used = 0;
  };
  void add_block(std::size_t bytes);
  std::span<char> keep(std::string_view text);

  std::vector<Block> blocks_;  // filled one after the other; none of them ever moves
  Method method_ = Method::Other;
  std::string_view method_text_;
  std::string_view path_;
  std::string_view query_;
  std::vector<HeaderField> fields_;
  std::optional<std::uint64_t> content_length_;
  std::string request_id_;
  std::string peer_;
  bool encrypted_ = false;
};

}  // namespace coffer::gateway
