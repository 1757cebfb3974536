#include "coffer/core/buffer.h"

#include <bit>
#include <cstdlib>
#include <new>

namespace coffer {
namespace {
constexpr std::size_t kAlignment = 4096;
constexpr std::size_t kSmallest = 4096;

std::size_t class_of(std::size_t capacity) {
  return static_cast<std::size_t>(std::countr_zero(capacity)) - 12;
}
void destroy(detail::BufferBlock* block) {
  std::free(block->data);
  delete block;
}
}  // namespace

void BufferRef::release() {
  if (block_ == nullptr) return;
  if (block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) block_->pool->give_back(block_);
  block_ = nullptr;
}

BufferPool::BufferPool(std::size_t idle_bytes_max) : idle_bytes_max_(idle_bytes_max) {}

BufferPool::~BufferPool() {
  for (SizeClass& size_class : classes_) {
    MutexLock lock(size_class.mutex);
    for (detail::BufferBlock* block : size_class.idle) destroy(block);
  }
}

BufferRef BufferPool::take(std::size_t bytes) {
  const std::size_t capacity = std::bit_ceil(bytes < kSmallest ? kSmallest : bytes);
  const std::size_t index = class_of(capacity);
  if (index < kClasses) {
    SizeClass& size_class = classes_[index];
    MutexLock lock(size_class.mutex);
    if (!size_class.idle.empty()) {
      detail::BufferBlock* block = size_class.idle.back();
      size_class.idle.pop_back();
      idle_bytes_.fetch_sub(capacity, std::memory_order_relaxed);
      block->refs.store(1, std::memory_order_relaxed);
      return BufferRef(block);
    }
  }
  auto* data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, capacity));
  if (data == nullptr) throw std::bad_alloc();
  return BufferRef(new detail::BufferBlock{data, capacity, this, {1}});
}

void BufferPool::give_back(detail::BufferBlock* block) {
  const std::size_t index = class_of(block->capacity);
  if (index < kClasses) {
    const std::size_t idle = idle_bytes_.fetch_add(block->capacity, std::memory_order_relaxed);
    if (idle + block->capacity <= idle_bytes_max_) {
      SizeClass& size_class = classes_[index];
      MutexLock lock(size_class.mutex);
      size_class.idle.push_back(block);
      return;
    }
    idle_bytes_.fetch_sub(block->capacity, std::memory_order_relaxed);
  }
  destroy(block);
}

std::size_t BufferPool::idle_bytes() const { return idle_bytes_.load(std::memory_order_relaxed); }

}  // namespace coffer
