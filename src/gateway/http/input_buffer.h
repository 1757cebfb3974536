#pragma once
/// InputBuffer: bytes read from a socket and not yet parsed.
///
/// Bounds    grows by doubling up to what the caller asks; shrink() gives back what an idle
///           connection does not need.

#include <algorithm>
#include <cstring>
#include <memory>

#include "coffer/core/bytes.h"

namespace coffer::gateway {

class InputBuffer {
 public:
  static constexpr std::size_t kCapacityMin = 8 * 1024;

  [[nodiscard]] Bytes bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] MutableBytes mutable_bytes() { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// Room behind the bytes; empty when capacity_max bytes are already held.
  MutableBytes room(std::size_t capacity_max) {
    if (begin_ > 0) {
      std::memmove(data_.get(), data_.get() + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == capacity_) {
      const std::size_t wanted =
          std::min(capacity_max, std::max<std::size_t>(kCapacityMin, capacity_ * 2));
      if (wanted > capacity_) grow(wanted);
    }
    return {data_.get() + end_, capacity_ - end_};
  }
  void add(std::size_t n) { end_ += n; }
  void shrink() {
    if (empty() && capacity_ > kCapacityMin) {
      data_.reset();
      capacity_ = 0;
    }
  }

 private:
  void grow(std::size_t capacity) {
    auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (end_ > 0) std::memcpy(grown.get(), data_.get(), end_);
    data_ = std::move(grown);
    capacity_ = capacity;
  }

  std::unique_ptr<std::byte[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace coffer::gateway
