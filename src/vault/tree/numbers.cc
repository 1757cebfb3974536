#include "vault/tree/numbers.h"

#include <algorithm>

#include "coffer/core/bytes.h"
#include "vault/tree/keys.h"

namespace coffer {
namespace {
constexpr std::uint64_t kNumbersAtOnce = 4096;
}  // namespace

Numbers::Numbers(MetaStore& meta, std::string_view counter_name)
    : meta_(meta), key_(keys::counter(counter_name)) {}

Result<std::uint64_t> Numbers::next(std::uint64_t first_ever) {
  MutexLock lock(mutex_);
  if (next_ == end_) {
    // Not COFFER_ASSIGN: g++ 12 warns of the moved-from optional here.
    const auto row = meta_.get(key_);
    if (!row) return fail(row.error());
    std::uint64_t reserved = first_ever;
    if (row->has_value()) {
      ByteReader in(**row);
      reserved = std::max(first_ever, in.u64());
      if (!in.ok()) return fail(Errc::Corrupt, "counter row");
    }
    std::string value;
    ByteWriter(value).u64(reserved + kNumbersAtOnce);
    MetaBatch batch;
    batch.put(key_, value);
    COFFER_TRY(meta_.commit(std::move(batch)));
    next_ = reserved;
    end_ = reserved + kNumbersAtOnce;
  }
  return next_++;
}

}  // namespace coffer
