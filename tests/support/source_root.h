#pragma once
/// Where the checkout is that the test was built from: ctest says it (cmake/rooms.cmake). By hand, from the checkout's root.

#include <cstdlib>
#include <filesystem>

namespace coffer::test {

inline std::filesystem::path source_root() {
  const char* const root = std::getenv("COFFER_SOURCE_ROOT");  // NOLINT(concurrency-mt-unsafe)
  return root != nullptr ? root : ".";
}

}  // namespace coffer::test
