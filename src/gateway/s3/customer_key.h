#pragma once
/// CustomerKey: SSE-C, objects sealed under a key that only the client keeps.
///
/// Format    docs/format.md §5.7: a salt and a proof of the key stand with the checksums of the bytes ("sse-c"), and
///           lapse with them. The mount shows such an object sealed.
/// Threads   one at a time.
/// Errors    AWS's. No key is ever kept, logged, or told.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/vault/objects.h"
#include "gateway/s3/call.h"

struct evp_cipher_ctx_st;

namespace coffer::gateway {

inline constexpr const char* kCustomerSeal = "sse-c";

/// AES-256-CTR, at any offset.
class CustomerCipher {
 public:
  explicit CustomerCipher(const std::array<std::byte, 32>& key);
  ~CustomerCipher();
  CustomerCipher(CustomerCipher&&) noexcept;
  CustomerCipher& operator=(CustomerCipher&&) = delete;
  /// Seals, or opens. `bytes` stand at `offset`. Io where the library fails: they are not what they should be then.
  Result<void> apply(std::uint64_t offset, MutableBytes bytes);

 private:
  evp_cipher_ctx_st* context_;
  std::array<std::byte, 32> key_{};
};

class CustomerKey {
 public:
  enum class Of { Object, CopySource };
  /// Of the headers; nothing where none of them is there.
  static S3Result<std::optional<CustomerKey>> read(const S3Call& call, Of of);
  /// The key that what was sealed so wants: nothing for what is not sealed. InvalidRequest where there is another
  /// or none, or one that nothing is sealed with.
  static S3Result<std::optional<CustomerKey>> require(
      const S3Call& call, Of of, const std::map<std::string, std::string>& checksums);
  ~CustomerKey();
  CustomerKey(const CustomerKey&) = default;
  CustomerKey& operator=(const CustomerKey&) = default;

  /// A new salt, and the proof of this key.
  [[nodiscard]] S3Result<std::string> new_seal() const;
  [[nodiscard]] bool fits(std::string_view seal) const;
  /// @pre fits(seal)
  [[nodiscard]] CustomerCipher cipher(std::string_view seal) const;
  /// An ETag that says nothing of the plaintext to who has no key, and is the same for the same bytes.
  [[nodiscard]] std::string etag(std::string_view md5) const;

 private:
  CustomerKey() = default;
  [[nodiscard]] std::array<std::byte, 32> derive(std::string_view salt,
                                                 std::string_view purpose) const;
  std::string key_;  // 32 bytes
};

/// x-amz-server-side-encryption-customer-*, or x-amz-server-side-encryption where no client's key is used.
void add_encryption_headers(const S3Call& call, bool customer, Reply& reply);
/// Seals what is written on its way to `inner`.
std::unique_ptr<ObjectWriter> sealing_writer(std::unique_ptr<ObjectWriter> inner,
                                             CustomerCipher cipher);

/// Opens what is read: an object in one piece, or made of parts with a seal each.
class SealedReader {
 public:
  static S3Result<SealedReader> create(const S3Call& call, const ObjectInfo& info,
                                       const CustomerKey& key);
  Result<void> open(std::uint64_t offset, MutableBytes bytes);

 private:
  struct Piece {
    std::uint64_t begin = 0, end = 0;
    CustomerCipher cipher;
  };
  std::vector<Piece> pieces_;
};

}  // namespace coffer::gateway
