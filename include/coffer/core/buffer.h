#pragma once
/// BufferPool and BufferRef: aligned, pooled, reference-counted memory for file data.
///
/// Owns      a BufferRef shares ownership of its buffer; the last one returns the memory to the
///           pool. The pool must outlive every buffer taken from it.
/// Threads   everything may be called from any thread; a buffer's bytes are not synchronised.
/// Bounds    capacities are powers of two, 4 KiB to 4 MiB, aligned to 4096; larger ones are
///           allocated and freed singly. What is idle is kept up to idle_bytes_max and then
///           returned to the system.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "coffer/core/bytes.h"
#include "coffer/core/mutex.h"

namespace coffer {

class BufferPool;

namespace detail {
struct BufferBlock {
  std::byte* data;
  std::size_t capacity;
  BufferPool* pool;
  std::atomic<std::uint32_t> refs;
};
}  // namespace detail

// Its one assignment takes by value and serves copies and moves.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions)
class BufferRef {
 public:
  BufferRef() = default;
  BufferRef(const BufferRef& other) noexcept : block_(other.block_) { retain(); }
  BufferRef(BufferRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~BufferRef() { release(); }

  explicit operator bool() const { return block_ != nullptr; }
  [[nodiscard]] std::byte* data() const { return block_->data; }
  [[nodiscard]] std::size_t capacity() const { return block_->capacity; }
  [[nodiscard]] MutableBytes span() const { return {block_->data, block_->capacity}; }

 private:
  friend class BufferPool;
  explicit BufferRef(detail::BufferBlock* block) : block_(block) {}
  void retain() const {
    if (block_ != nullptr) block_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  void release();
  detail::BufferBlock* block_ = nullptr;
};

/// A piece of a shared buffer: what an I/O call may keep after its caller has gone.
struct IoSlice {
  BufferRef owner;
  MutableBytes bytes;
};

class BufferPool {
 public:
  explicit BufferPool(std::size_t idle_bytes_max = std::size_t{64} << 20);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A buffer of at least `bytes`; contents undefined. Never null (allocation failure ends the
  /// process).
  BufferRef take(std::size_t bytes);
  [[nodiscard]] std::size_t idle_bytes() const;

 private:
  friend class BufferRef;
  static constexpr std::size_t kClasses = 11;  // 4 KiB << 0 .. 4 KiB << 10
  void give_back(detail::BufferBlock* block);

  const std::size_t idle_bytes_max_;
  struct SizeClass {
    mutable Mutex mutex;
    std::vector<detail::BufferBlock*> idle GUARDED_BY(mutex);
  };
  std::array<SizeClass, kClasses> classes_;
  std::atomic<std::size_t> idle_bytes_{0};
};

}  // namespace coffer
