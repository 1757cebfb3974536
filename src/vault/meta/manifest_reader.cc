#include "vault/meta/manifest_reader.h"

#include <algorithm>
#include <optional>
#include <string>

#include "coffer/core/bytes.h"

namespace coffer::meta {
namespace {

// RocksDB 7.8, db/log_format.h.
constexpr std::size_t kBlock = 32768;
constexpr std::size_t kRecordHeader = 7;
enum Record : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

// RocksDB 7.8, db/version_edit.h.
enum Tag : std::uint32_t {
  kComparator = 1,
  kLogNumber = 2,
  kNextFileNumber = 3,
  kLastSequence = 4,
  kCompactCursor = 5,
  kDeletedFile = 6,
  kPrevLogNumber = 9,
  kMinLogNumberToKeep = 10,
  kNewFile4 = 103,
  kColumnFamily = 200,
  kMaxColumnFamily = 203,
  kInAtomicGroup = 300,
  kSafeToIgnore = 1U << 13,
};
constexpr std::uint32_t kNewFileEnd = 1;

// The logical records of a log, one after another; a torn one at the end is not a record.
class RecordReader {
 public:
  explicit RecordReader(std::string_view plain) : plain_(plain) {}

  std::optional<std::string> next() {
    std::string record;
    for (;;) {
      const std::size_t left_in_block = kBlock - at_ % kBlock;
      if (left_in_block < kRecordHeader) at_ += left_in_block;
      if (at_ + kRecordHeader > plain_.size()) return std::nullopt;
      ByteReader header(plain_.substr(at_, kRecordHeader));
      header.u32();
      const std::size_t length = header.u16();
      const std::uint8_t type = header.u8();
      if (at_ + kRecordHeader + length > plain_.size()) return std::nullopt;
      record.append(plain_.substr(at_ + kRecordHeader, length));
      at_ += kRecordHeader + length;
      if (type == kFull || type == kLast) return record;
      if (type != kFirst && type != kMiddle) return std::nullopt;
    }
  }

 private:
  std::string_view plain_;
  std::size_t at_ = 0;
};

void skip_new_file_fields(ByteReader& in) {
  while (in.ok() && in.varint() != kNewFileEnd) in.prefixed();
}

Result<void> apply_edit(std::string_view record, ManifestContent& content) {
  ByteReader in(record);
  while (in.ok() && !in.at_end()) {
    const auto tag = static_cast<std::uint32_t>(in.varint());
    switch (tag) {
      case kComparator:
        in.prefixed();
        break;
      case kLogNumber:
        content.first_log = std::max(content.first_log, in.varint());
        break;
      case kNextFileNumber:
      case kLastSequence:
      case kPrevLogNumber:
      case kMinLogNumberToKeep:
      case kColumnFamily:
      case kMaxColumnFamily:
      case kInAtomicGroup:
        in.varint();
        break;
      case kCompactCursor:
        in.varint();
        in.prefixed();
        break;
      case kDeletedFile:
        in.varint();
        content.tables.erase(in.varint());
        break;
      case kNewFile4: {
        in.varint();  // level
        const std::uint64_t number = in.varint();
        const std::uint64_t bytes = in.varint();
        in.prefixed();  // smallest and largest key, their sequence numbers
        in.prefixed();
        in.varint();
        in.varint();
        skip_new_file_fields(in);
        content.tables[number] = bytes;
        break;
      }
      default:
        if ((tag & kSafeToIgnore) == 0)
          return fail(Errc::NotSupported, "version edit of a newer RocksDB");
        in.prefixed();
    }
  }
  if (!in.ok()) return fail(Errc::Corrupt, "version edit");
  return {};
}

}  // namespace

Result<ManifestContent> read_manifest(std::string_view plain) {
  ManifestContent content;
  RecordReader records(plain);
  bool any = false;
  while (const auto record = records.next()) {
    COFFER_TRY(apply_edit(*record, content));
    any = true;
  }
  if (!any) return fail(Errc::Corrupt, "manifest without a record");
  return content;
}

}  // namespace coffer::meta
