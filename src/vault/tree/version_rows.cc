#include "vault/tree/version_rows.h"

#include <array>
#include <cstdio>

#include "vault/tree/keys.h"
#include "vault/tree/object_record.h"

namespace coffer {
namespace {

constexpr std::uint8_t kLayout = 1;
constexpr std::uint8_t kOfObject = 1;
constexpr std::uint8_t kOfMarker = 2;
constexpr std::size_t kIdDigits = 16;

Result<VersionRow> row_at(const MetaCursor& rows) {
  const std::string_view key = rows.key();
  ByteReader number(key.substr(key.size() - 8));
  return decode_version(~number.u64_big_endian(), rows.value());
}

/// The first row of the key that is wanted.
template <typename Wanted>
Result<std::optional<VersionRow>> first_row(MetaStore& meta, InodeId bucket, std::string_view key,
                                            const Wanted& wanted) {
  const std::string prefix = keys::version_key_prefix(bucket, key);
  auto rows = meta.cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    COFFER_ASSIGN(VersionRow row, row_at(*rows));
    if (wanted(row)) return std::optional<VersionRow>(std::move(row));
  }
  COFFER_TRY(rows->status());
  return std::optional<VersionRow>{};
}

}  // namespace

std::string encode_version(const VersionRow& row) {
  std::string value;
  ByteWriter out(value);
  out.u8(kLayout);
  out.u8(row.marker ? kOfMarker : kOfObject);
  out.u8(row.is_null ? 1 : 0);
  out.varint(row.inode.value());
  out.i64(row.since.seconds);
  out.u32(row.since.nanoseconds);
  encode_map(out, row.properties);
  return value;
}

Result<VersionRow> decode_version(std::uint64_t sequence, std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kLayout) return fail(Errc::Corrupt, "version row: unknown layout");
  VersionRow row;
  row.sequence = sequence;
  const std::uint8_t kind = in.u8();
  const std::uint8_t is_null = in.u8();
  row.marker = kind == kOfMarker;
  row.is_null = is_null == 1;
  row.inode = InodeId{in.varint()};
  row.since.seconds = in.i64();
  row.since.nanoseconds = in.u32();
  row.properties = decode_map(in);
  const bool valid = in.ok() && in.at_end() && is_null <= 1 &&
                     (kind == kOfMarker || kind == kOfObject) &&
                     row.marker == (row.inode == InodeId{});
  if (!valid) return fail(Errc::Corrupt, "version row");
  return row;
}

std::optional<VersionKey> parse_version_key(std::string_view row) {
  if (row.size() < 9 + 2 + 8) return std::nullopt;
  VersionKey parsed;
  parsed.sequence = ~ByteReader(row.substr(row.size() - 8)).u64_big_endian();
  const std::string_view escaped = row.substr(9, row.size() - 9 - 8);
  if (!escaped.ends_with(std::string_view("\0\1", 2))) return std::nullopt;
  for (std::size_t at = 0; at + 2 < escaped.size(); ++at) {
    parsed.key.push_back(escaped[at]);
    if (escaped[at] == '\0') ++at;
  }
  return parsed;
}

std::string version_id(std::uint64_t sequence, bool is_null) {
  if (is_null) return "null";
  std::array<char, kIdDigits + 1> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(sequence));
  return text.data();
}

std::string version_id(const std::optional<VersionTag>& tag) {
  return tag ? version_id(tag->sequence, tag->is_null) : "null";
}

std::optional<std::uint64_t> sequence_of(std::string_view id) {
  if (id.size() != kIdDigits) return std::nullopt;
  std::uint64_t sequence = 0;
  for (const char c : id) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    sequence = sequence * 16 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return sequence;
}

Result<std::optional<VersionRow>> newest_version(MetaStore& meta, InodeId bucket,
                                                 std::string_view key) {
  return first_row(meta, bucket, key, [](const VersionRow&) { return true; });
}

Result<std::optional<VersionRow>> null_version(MetaStore& meta, InodeId bucket,
                                               std::string_view key) {
  return first_row(meta, bucket, key, [](const VersionRow& row) { return row.is_null; });
}

Result<std::optional<VersionRow>> version_of_id(MetaStore& meta, InodeId bucket,
                                                std::string_view key, std::string_view id) {
  if (id == "null") return null_version(meta, bucket, key);
  const auto sequence = sequence_of(id);
  if (!sequence) return fail(Errc::InvalidArgument, "no version id");
  COFFER_ASSIGN(const auto value, meta.get(keys::version(bucket, key, *sequence)));
  if (!value) return std::optional<VersionRow>{};
  COFFER_ASSIGN(VersionRow row, decode_version(*sequence, *value));
  // It has a number, and another id.
  if (row.is_null) return std::optional<VersionRow>{};
  return std::optional<VersionRow>(std::move(row));
}

Result<std::optional<VersionRow>> version_behind(MetaStore& meta, InodeId bucket,
                                                 std::string_view key, std::uint64_t sequence) {
  return first_row(meta, bucket, key,
                   [&](const VersionRow& row) { return row.sequence < sequence; });
}

Result<bool> has_versions(MetaStore& meta, InodeId bucket) {
  const std::string prefix = keys::version_prefix(bucket);
  auto rows = meta.cursor(prefix, keys::prefix_end(prefix));
  rows->seek(prefix);
  const bool any = rows->valid();
  COFFER_TRY(rows->status());
  return any;
}

}  // namespace coffer
