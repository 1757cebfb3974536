#include "vault/volume_lock.h"

#include <fstream>
#include <string>
#include <thread>

#include "coffer/core/log.h"

namespace coffer {
namespace {
constexpr std::string_view kRecordFile = "lock.record";
constexpr int kIntervalsWatched = 3;

Uuid uuid_from_file(const char* path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  std::erase(text, '-');
  return Uuid::parse(text).value_or(Uuid());
}

Result<LockRecord> read_record(Volume& volume) {
  COFFER_ASSIGN(const std::string bytes,
                read_file(volume.files(), kRecordFile, ByteCount{LockRecord::kBytes}));
  return parse_lock_record(as_bytes(bytes));
}

Result<void> write_record(Volume& volume, const LockRecord& record) {
  COFFER_ASSIGN(const auto file, volume.files().create(kRecordFile, FileArea::Create::Truncate));
  const std::string bytes = encode(record);
  return file->append(as_bytes(bytes));
}
}  // namespace

Uuid boot_id() { return uuid_from_file("/proc/sys/kernel/random/boot_id"); }

LockRecord VolumeLock::mine(SessionUuid session) {
  LockRecord record;
  record.machine = uuid_from_file("/etc/machine-id");
  record.boot = boot_id();
  record.session = session;
  return record;
}

Result<void> VolumeLock::take(Volume& volume, const LockRecord& mine) {
  COFFER_TRY(volume.lock());
  auto found = read_record(volume);
  if (!found || found->session.value().is_nil()) return {};
  // With the flock free, a record of this machine is a dead daemon's.
  if (found->machine == mine.machine && !mine.machine.is_nil()) return {};
  if (found->boot == mine.boot && !mine.boot.is_nil()) return {};
  log_warning("volume {} was last open on another machine; watching whether it still is",
              volume.path());
  for (int i = 0; i < kIntervalsWatched; ++i) {
    std::this_thread::sleep_for(kInterval);
    const auto now = read_record(volume);
    if (now && !(*now == *found)) {
      return fail(Errc::Busy, "volume " + volume.path() + " is open on another machine");
    }
  }
  return {};
}

Result<void> VolumeLock::claim(Volume& volume, const LockRecord& mine) {
  return write_record(volume, mine);
}

Result<void> VolumeLock::renew(Volume& volume, LockRecord& mine) {
  const auto found = read_record(volume);
  // An unreadable record may be our own half-written one; a foreign session is another daemon.
  if (found && found->session != mine.session) {
    return fail(Errc::Busy, "volume " + volume.path() + " was taken by another daemon");
  }
  ++mine.counter;
  return write_record(volume, mine);
}

void VolumeLock::release(Volume& volume, const LockRecord& mine) {
  LockRecord released = mine;
  released.session = SessionUuid();
  if (auto written = write_record(volume, released); !written) {
    log_warning("lock record of {} not released: {}", volume.path(), written.error().context);
  }
}

}  // namespace coffer
