#pragma once
/// VolumeLock: keeps a second daemon away from a volume, also one on another machine that shares the disk (docs/architecture.md).
///
/// flock keeps processes of this machine apart. Beside it a record {machine, boot, session, counter} in `lock.record` is renewed
/// by a running daemon: who finds a foreign machine's record watches it for three intervals and gives up if it moves.
///
/// Threads   take() once; renew() from one thread.
/// Errors    Busy: somebody has the volume.

#include <chrono>
#include <cstdint>

#include "coffer/core/error.h"
#include "vault/volume/lock_record.h"
#include "vault/volume/volume.h"

namespace coffer {

class VolumeLock {
 public:
  static constexpr std::chrono::milliseconds kInterval{5'000};

  /// This machine and start of it; `session` is new for each opening.
  static LockRecord mine(SessionUuid session);

  /// flock, then the record is looked at; nothing is written.
  static Result<void> take(Volume& volume, const LockRecord& mine);
  /// Writes the record. Busy if it is somebody else's by now: the volume must not be written any more.
  static Result<void> renew(Volume& volume, LockRecord& mine);
  /// The first record of this session.
  static Result<void> claim(Volume& volume, const LockRecord& mine);
  static void release(Volume& volume, const LockRecord& mine);
};

/// The boot-id of this start of the machine (random(4)); nil where there is none.
Uuid boot_id();

}  // namespace coffer
