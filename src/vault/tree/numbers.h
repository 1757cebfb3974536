#pragma once
/// Numbers: ids that are handed out once, reserved in ranges by a counter row.
///
/// Threads   any. A range is in the log before a number of it is used, so a crash skips numbers and
/// never repeats one.

#include <cstdint>
#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/core/mutex.h"
#include "vault/meta/meta_store.h"

namespace coffer {

class Numbers {
 public:
  Numbers(MetaStore& meta, std::string_view counter_name);
  Result<std::uint64_t> next(std::uint64_t first_ever);

 private:
  MetaStore& meta_;
  const std::string key_;
  Mutex mutex_;  // held across a commit, see above
  std::uint64_t next_ GUARDED_BY(mutex_) = 0;
  std::uint64_t end_ GUARDED_BY(mutex_) = 0;
};

}  // namespace coffer
