#pragma once
/// Copies whose bytes pass through here: one side is sealed under a client's key, or an ETag is made of them.
///
/// Threads   one at a time. Blocks.

#include "gateway/s3/byte_range.h"
#include "gateway/s3/customer_key.h"

namespace coffer::gateway {

/// What is allowed to read and hash `length` bytes for one request. Such a request holds a committer for as long as that takes,
/// and others wait for those: so it has an end, as with AWS, and only so many long ones run at one time.
class CopySlot {
 public:
  static constexpr std::uint64_t kBytesMax = std::uint64_t{5} << 30;
  static constexpr std::uint64_t kLongBytes = std::uint64_t{64} << 20;
  static constexpr int kLongMax = 16;

  /// InvalidRequest beyond kBytesMax; SlowDown.
  static S3Result<CopySlot> take(const S3Service& service, std::uint64_t length);
  ~CopySlot();
  CopySlot(CopySlot&& other) noexcept : count_(std::move(other.count_)) {}
  CopySlot& operator=(CopySlot&&) = delete;

 private:
  explicit CopySlot(std::shared_ptr<std::atomic<int>> count) : count_(std::move(count)) {}
  std::shared_ptr<std::atomic<int>> count_;  // null: a short one
};

/// The MD5 (raw) of the plaintext that was appended to `to`.
S3Result<std::string> copy_bytes(const S3Call& call, ObjectReader& from, SealedReader* opened,
                                 const ByteRange& range, ObjectWriter& to);

}  // namespace coffer::gateway
