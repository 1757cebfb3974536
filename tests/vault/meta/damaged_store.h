#pragma once
/// A store with a table and a live log, killed; and what damages its files.

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/vault/meta/mirror_fixture.h"

namespace coffer::meta {

constexpr int kRows = 600;

inline std::string value_of(int i) { return std::string(500, 'v') + std::to_string(i); }

/// A table, a live log with synced rows, and a killed process.
inline void fill_and_kill(Machine& machine) {
  auto store = std::move(machine.open(MetaStore::Mode::Create).value());
  for (int i = 0; i < kRows; ++i) {
    put(*store, "CANARYKEY" + std::to_string(i), "CANARYVALUE" + value_of(i));
    if (i != kRows / 3) continue;
    ASSERT_TRUE(store->close());
    store = std::move(machine.open(MetaStore::Mode::ReadWrite).value());
  }
  ASSERT_TRUE(store->sync());
  put(*store, "last", "row");
  ASSERT_TRUE(store->sync());
  machine.kill();
}

/// Every row is right, or reading fails; never anything else.
inline void expect_right_or_error(MetaStore& store) {
  for (int i = 0; i < kRows; ++i) {
    const auto value = store.get("CANARYKEY" + std::to_string(i));
    if (value) {
      ASSERT_EQ(value->value_or("absent"), "CANARYVALUE" + value_of(i));
    }
  }
}

inline void flip_somewhere(MemoryDisk& disk, const std::string& path, std::mt19937_64& random) {
  const std::size_t size = disk.content(path).value().size();
  ASSERT_TRUE(
      disk.flip_bit(path, ByteOffset(random() % size), static_cast<unsigned>(random() % 8)));
}

}  // namespace coffer::meta
