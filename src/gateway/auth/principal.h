#pragma once
/// Principal: who asks, once that is known.
///
/// Threads   a plain value.

#include <string>
#include <string_view>

namespace coffer::gateway {

struct Principal {
  std::string id;    // the owner's canonical id; empty: anonymous
  std::string name;  // for people

  [[nodiscard]] bool anonymous() const { return id.empty(); }
};

/// What AWS calls the owner of an object that nobody signed for.
inline constexpr std::string_view kAnonymousOwner = "65a011a29cdf8ec533ec3d1ccaae921c";

}  // namespace coffer::gateway
