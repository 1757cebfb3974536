#include "coffer/core/memory_budget.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

namespace coffer {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;

// The machine's memory, or what a container may use of it.
std::uint64_t machine_memory_bytes() {
  std::uint64_t bytes = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream limit("/sys/fs/cgroup/memory.max");
  std::uint64_t limit_bytes = 0;
  if (limit >> limit_bytes) bytes = std::min(bytes, limit_bytes);  // "max" is not a number
  return bytes;
}

// Sixteenths of the total for each part.
struct Shares {
  unsigned chunk_cache, metadata, buffers, attributes;
};

Shares shares_of(MemoryProfile profile) {
  switch (profile) {
    // The kernel's page cache already keeps what was read through the mount, so the chunk cache is
    // small; it and the buffers together bound what a long stream can pin. Names and attributes get
    // the rest.
    case MemoryProfile::Standard:
      return {2, 5, 2, 5};
    case MemoryProfile::Throughput:
      return {5, 4, 3, 4};
    case MemoryProfile::LowMemory:
      return {3, 4, 4, 4};
    case MemoryProfile::LargeFiles:
      return {8, 2, 4, 2};
  }
  __builtin_unreachable();
}

tl::unexpected<Error> bad_size(std::string_view text) {
  return fail(Errc::InvalidArgument,
              "size '" + std::string(text) + "': use a number with K, M, G or T, as in 512M");
}

// The factor of "", "B", "K", "KiB", "KB" and so on, in either case.
std::optional<std::uint64_t> factor_of(std::string_view suffix) {
  std::string word;
  for (const char c : suffix) word += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (word.empty() || word == "B") return 1;
  const std::size_t power = std::string_view("KMGT").find(word[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const std::string_view rest = std::string_view(word).substr(1);
  if (!rest.empty() && rest != "B" && rest != "IB") return std::nullopt;
  std::uint64_t factor = 1;
  for (std::size_t step = 0; step <= power; ++step) factor *= rest == "B" ? 1000 : 1024;
  return factor;
}

}  // namespace

MemoryBudget MemoryBudget::split(std::uint64_t total_bytes, MemoryProfile profile) {
  const Shares shares = shares_of(profile);
  const std::uint64_t total = std::max(total_bytes, kMemoryBytesMin);
  const std::uint64_t sixteenth = total / 16;
  return {.total_bytes = total,
          .chunk_cache_bytes = shares.chunk_cache * sixteenth,
          .metadata_bytes = shares.metadata * sixteenth,
          .buffer_bytes = shares.buffers * sixteenth,
          .attribute_bytes = shares.attributes * sixteenth};
}

std::uint64_t default_memory_bytes() { return std::min(machine_memory_bytes() / 4, kGibibyte); }

std::uint64_t default_memory_bytes(MemoryProfile profile) {
  const std::uint64_t machine = machine_memory_bytes();
  switch (profile) {
    case MemoryProfile::Standard:
      return default_memory_bytes();
    case MemoryProfile::Throughput:
      return std::min(machine / 2, 16 * kGibibyte);
    case MemoryProfile::LowMemory:
      return std::min(machine / 8, 128 * kMebibyte);
    case MemoryProfile::LargeFiles:
      return std::min(machine / 4, 2 * kGibibyte);
  }
  __builtin_unreachable();
}

std::size_t default_workers(MemoryProfile profile) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  switch (profile) {
    case MemoryProfile::Standard:
    case MemoryProfile::LargeFiles:
      return std::clamp<std::size_t>(cores, 2, 32);
    case MemoryProfile::Throughput:
      return std::clamp<std::size_t>(2 * cores, 4, 64);
    case MemoryProfile::LowMemory:
      return 2;
  }
  __builtin_unreachable();
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc()) return bad_size(text);
  const auto factor = factor_of({parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)});
  if (!factor || number > std::numeric_limits<std::uint64_t>::max() / *factor)
    return bad_size(text);
  return number * *factor;
}

Result<MemoryProfile> parse_memory_profile(std::string_view text) {
  if (text == "standard") return MemoryProfile::Standard;
  if (text == "throughput") return MemoryProfile::Throughput;
  if (text == "low-memory") return MemoryProfile::LowMemory;
  if (text == "large-files") return MemoryProfile::LargeFiles;
  return fail(Errc::InvalidArgument, "profile '" + std::string(text) +
                                         "': use standard, throughput, low-memory or large-files");
}

}  // namespace coffer
