#include "coffer/core/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace coffer {
namespace {

TEST(BufferPool, GivesAlignedBuffersOfAtLeastTheSize) {
  BufferPool pool;
  for (const std::size_t bytes : {1U, 4096U, 4097U, 131'072U, 4U << 20, 5U << 20}) {
    const BufferRef buffer = pool.take(bytes);
    EXPECT_GE(buffer.capacity(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096, 0U);
  }
}

TEST(BufferPool, TheLastReferenceReturnsTheBuffer) {
  BufferPool pool;
  BufferRef first = pool.take(4096);
  BufferRef second = first;
  const std::byte* const data = first.data();
  first = BufferRef();
  EXPECT_EQ(pool.idle_bytes(), 0U);
  second = BufferRef();
  EXPECT_EQ(pool.idle_bytes(), 4096U);
  EXPECT_EQ(pool.take(100).data(), data);
}

TEST(BufferPool, KeepsNoMoreIdleThanItsBound) {
  BufferPool pool(10'000);
  {
    const BufferRef a = pool.take(4096);
    const BufferRef b = pool.take(4096);
    const BufferRef c = pool.take(4096);
  }
  EXPECT_EQ(pool.idle_bytes(), 8192U);
}

TEST(BufferPool, ServesManyThreads) {
  BufferPool pool(1 << 20);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&pool, thread] {
      for (int round = 0; round < 5000; ++round) {
        const BufferRef buffer = pool.take(static_cast<std::size_t>(4096 << (round % 3)));
        std::memset(buffer.data(), thread, 64);
        const BufferRef shared = buffer;
        EXPECT_EQ(std::to_integer<int>(shared.data()[63]), thread);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool.idle_bytes(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace coffer
