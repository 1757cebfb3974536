#pragma once
/// SecretString: a passphrase or the content of a key file, in locked memory that is wiped.
///
/// Owns      its bytes: sodium_malloc'd (locked, guarded, kept out of core dumps), wiped when freed
///           or grown. Move-only, so that no copy is made unseen.
/// Threads   as std::string.
/// Errors    out of (lockable) memory throws std::bad_alloc.

#include <cstddef>
#include <string_view>

#include "coffer/core/bytes.h"

namespace coffer {

class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text);
  explicit SecretString(Bytes bytes) : SecretString(as_text(bytes)) {}
  ~SecretString();
  SecretString(SecretString&& other) noexcept;
  SecretString& operator=(SecretString&& other) noexcept;
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;

  void append(std::string_view text);
  void push_back(char c) { append({&c, 1}); }
  /// @pre !empty()
  void pop_back();
  /// Zeroes when it grows; what is cut off is wiped.
  void resize(std::size_t size);
  void clear() { resize(0); }

  [[nodiscard]] std::string_view view() const { return {data_, size_}; }
  [[nodiscard]] Bytes bytes() const { return as_bytes(view()); }
  [[nodiscard]] MutableBytes mutable_bytes() {
    return {reinterpret_cast<std::byte*>(data_), size_};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  void reserve(std::size_t capacity);

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace coffer
