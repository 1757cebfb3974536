#pragma once
/// PendingRoom: how much may be pending at once: bytes that a write was answered for and that have no place in a segment yet.
///
/// write() asks here, so that it says NoSpace itself: a close that finds no room for what was answered would have to lose it.
/// The measure is an estimate (others write at the same time), so a close may still find none.
///
/// Threads   any. A Charge belongs to one PendingBytes, which its inode's mutex guards.
/// Invariant held() is the sum of all charges.

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "coffer/core/error.h"

namespace coffer {

class PendingRoom {
 public:
  /// Beyond this nothing stays pending: whoever writes settles at once.
  static constexpr std::uint64_t kBytesMax = std::uint64_t{64} << 20;
  /// How many more bytes segments would take.
  using Measure = std::function<Result<std::uint64_t>()>;

  explicit PendingRoom(Measure measure) : measure_(std::move(measure)) {}

  /// May `bytes` become pending? NoSpace where what is pending already has no room beside them.
  Result<void> admit(std::uint64_t bytes);
  [[nodiscard]] bool full() const { return held() >= kBytesMax; }
  [[nodiscard]] std::uint64_t held() const { return held_.load(std::memory_order_relaxed); }

  /// What one file holds of it.
  class Charge {
   public:
    Charge() = default;
    Charge(Charge&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Charge& operator=(Charge&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    Charge(const Charge&) = delete;
    Charge& operator=(const Charge&) = delete;
    ~Charge() { set(0); }
    void to(PendingRoom* room) {
      if (room_ == nullptr) room_ = room;
    }
    void set(std::uint64_t bytes) {
      if (room_ == nullptr) return;
      room_->held_.fetch_add(bytes - bytes_, std::memory_order_relaxed);  // wraps where it is fewer
      bytes_ = bytes;
    }

   private:
    PendingRoom* room_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

 private:
  const Measure measure_;
  std::atomic<std::uint64_t> held_{0};
  std::atomic<std::int64_t> credit_{0};  // bytes that may still be admitted before measuring again
};

}  // namespace coffer
