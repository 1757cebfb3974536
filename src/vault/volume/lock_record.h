#pragma once
/// LockRecord: who has a volume open; lies beside the flock, for disks that two machines share.
///
/// Format    docs/format.md §2.5: file `lock`, 128 bytes. A pure codec. It is advisory among honest
///           daemons and carries no MAC: it is read before any key is at hand.
/// Errors    Corrupt. A damaged record is treated as a foreign one: watched, not trusted.

#include <cstdint>
#include <string>

#include "coffer/core/bytes.h"
#include "coffer/core/error.h"
#include "coffer/vault/uuid.h"

namespace coffer {

struct LockRecord {
  static constexpr std::size_t kBytes = 128;
  static constexpr std::uint16_t kFormatVersion = 1;

  Uuid machine;               // /etc/machine-id
  Uuid boot;                  // /proc/sys/kernel/random/boot_id
  SessionUuid session;        // nil: released
  std::uint64_t counter = 0;  // grows at every renewal

  bool operator==(const LockRecord&) const = default;
};

std::string encode(const LockRecord& record);
Result<LockRecord> parse_lock_record(Bytes bytes);

}  // namespace coffer
