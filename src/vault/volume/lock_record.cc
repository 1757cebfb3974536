#include "vault/volume/lock_record.h"

#include <algorithm>

#include "vault/crypto/hash.h"

namespace coffer {
namespace {

// On disk: docs/format.md §2.5. Little-endian.
constexpr std::string_view kMagic = "COFFERLK";
constexpr std::size_t kChecksumAt = LockRecord::kBytes - sizeof(crypto::Checksum);
constexpr std::size_t kUsedBytes = 72;
static_assert(kUsedBytes == 8 + 2 + 6 + 3 * Uuid::kBytes + 8 && kChecksumAt == 112,
              "docs/format.md §2.5 changes with this");

}  // namespace

std::string encode(const LockRecord& record) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.raw(kMagic);
  writer.u16(LockRecord::kFormatVersion);
  writer.u16(0);
  writer.u32(0);
  writer.raw(record.machine.bytes());
  writer.raw(record.boot.bytes());
  writer.raw(record.session.value().bytes());
  writer.u64(record.counter);
  bytes.resize(kChecksumAt, '\0');
  writer.raw(Bytes(crypto::checksum(as_bytes(bytes))));
  return bytes;
}

Result<LockRecord> parse_lock_record(Bytes bytes) {
  if (bytes.size() != LockRecord::kBytes) return fail(Errc::Corrupt, "lock record: wrong size");
  ByteReader reader(bytes.first(kChecksumAt));
  if (reader.text(kMagic.size()) != kMagic) return fail(Errc::Corrupt, "lock record: not one");
  if (as_text(crypto::checksum(bytes.first(kChecksumAt))) != as_text(bytes.subspan(kChecksumAt))) {
    return fail(Errc::Corrupt, "lock record: checksum");
  }
  if (reader.u16() != LockRecord::kFormatVersion) {
    return fail(Errc::NotSupported, "the lock record is of a newer version");
  }
  const Bytes reserved = reader.raw(6);
  LockRecord record;
  record.machine = Uuid::from_bytes(reader.raw(Uuid::kBytes));
  record.boot = Uuid::from_bytes(reader.raw(Uuid::kBytes));
  record.session = SessionUuid(Uuid::from_bytes(reader.raw(Uuid::kBytes)));
  record.counter = reader.u64();
  for (const Bytes zeros : {reserved, reader.raw(reader.remaining())}) {
    if (std::any_of(zeros.begin(), zeros.end(), [](std::byte b) { return b != std::byte{0}; })) {
      return fail(Errc::Corrupt, "lock record: reserved bytes are set");
    }
  }
  return record;
}

}  // namespace coffer
