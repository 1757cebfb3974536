#include "vault/tree/upload_rows.h"

#include <array>
#include <cstdio>

#include "vault/crypto/random.h"
#include "vault/tree/directory_body.h"
#include "vault/tree/keys.h"
#include "vault/tree/object_record.h"

namespace coffer {
namespace {

constexpr std::uint8_t kPartLayout = 1;
constexpr std::size_t kUploadIdBytes = 16 + Uuid::kTextBytes;

void write_time(ByteWriter& out, const Timespec& time) {
  out.i64(time.seconds);
  out.u32(time.nanoseconds);
}

Timespec read_time(ByteReader& in) {
  Timespec time;
  time.seconds = in.i64();
  time.nanoseconds = in.u32();
  return time;
}

}  // namespace

std::string encode_upload(const UploadRecord& record) {
  std::string value;
  ByteWriter out(value);
  out.u8(static_cast<std::uint8_t>(layout_of(record.metadata)));
  write_time(out, record.initiated);
  encode_metadata(out, record.metadata);
  return value;
}

Result<UploadRecord> decode_upload(std::string_view value) {
  ByteReader in(value);
  const auto layout = metadata_layout(in.u8());
  if (!layout) return fail(Errc::Corrupt, "upload row: unknown layout");
  UploadRecord record;
  record.initiated = read_time(in);
  record.metadata = decode_metadata(in, *layout);
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "upload row");
  return record;
}

std::string encode_part(const PartRecord& record) {
  std::string value;
  ByteWriter out(value);
  out.u8(kPartLayout);
  out.varint(record.inode.value());
  out.varint(record.info.size);
  write_time(out, record.info.modified);
  out.prefixed(record.info.etag);
  encode_map(out, record.info.checksums);
  return value;
}

Result<PartRecord> decode_part(std::uint32_t number, std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kPartLayout) return fail(Errc::Corrupt, "part row: unknown layout");
  PartRecord record;
  record.inode = InodeId{in.varint()};
  record.info.number = number;
  record.info.size = in.varint();
  record.info.modified = read_time(in);
  record.info.etag = in.prefixed();
  record.info.checksums = decode_map(in);
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "part row");
  return record;
}

std::string new_upload_id(const Timespec& now) {
  const auto nanoseconds =
      static_cast<unsigned long long>(now.seconds) * 1'000'000'000ULL + now.nanoseconds;
  std::array<char, 17> time{};
  std::snprintf(time.data(), time.size(), "%016llx", nanoseconds);
  return time.data() + crypto::random_uuid().to_string();
}

bool is_upload_id(std::string_view id) {
  if (id.size() != kUploadIdBytes) return false;
  return id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<UploadKey> parse_upload_key(std::string_view row) {
  if (row.size() < 9) return std::nullopt;
  UploadKey parsed;
  std::size_t at = 9;
  for (; at < row.size(); ++at) {
    if (row[at] == '\0') {
      if (++at >= row.size()) return std::nullopt;
      if (row[at] == '\1') break;
      parsed.key.push_back('\0');
      continue;
    }
    parsed.key.push_back(row[at]);
  }
  if (at >= row.size()) return std::nullopt;
  parsed.upload_id = row.substr(at + 1);
  return parsed;
}

Result<std::vector<PartRecord>> read_parts(MetaStore& meta, std::string_view upload_id) {
  std::vector<PartRecord> parts;
  const std::string prefix = keys::part_prefix(upload_id);
  auto rows = meta.cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    ByteReader number(rows->key().substr(prefix.size()));
    COFFER_ASSIGN(PartRecord part, decode_part(number.u32_big_endian(), rows->value()));
    parts.push_back(std::move(part));
  }
  COFFER_TRY(rows->status());
  return parts;
}

Result<void> drop_upload(Namespace& names, InodeId bucket, std::string_view key,
                         std::string_view upload_id) {
  COFFER_ASSIGN(const std::vector<PartRecord> parts, read_parts(*names.deps().meta, upload_id));
  for (const PartRecord& part : parts) {
    COFFER_ASSIGN(const InodeRef inode, names.deps().inodes->get(part.inode));
    Aftermath after;
    {
      TreeChange change(names);
      COFFER_TRY(change.lock({inode}));
      change.batch().remove(keys::part(upload_id, part.info.number));
      COFFER_TRY(change.drop_link(*inode));
      COFFER_TRY(change.commit(after));
    }
    finish(names, after);
  }
  MetaBatch batch;
  batch.remove(keys::upload(bucket, key, upload_id));
  COFFER_TRY(names.deps().meta->commit(std::move(batch)));
  return {};
}

Result<void> drop_uploads(Namespace& names, InodeId bucket) {
  std::vector<UploadKey> uploads;
  const std::string prefix = keys::upload_prefix(bucket);
  auto rows = names.deps().meta->cursor(prefix, keys::prefix_end(prefix));
  for (rows->seek(prefix); rows->valid(); rows->next()) {
    auto parsed = parse_upload_key(rows->key());
    if (!parsed) return fail(Errc::Corrupt, "upload row's key");
    uploads.push_back(std::move(*parsed));
  }
  COFFER_TRY(rows->status());
  for (const UploadKey& upload : uploads) {
    MutexLock lock(names.upload_lock(upload.upload_id));
    COFFER_TRY(drop_upload(names, bucket, upload.key, upload.upload_id));
  }
  return {};
}

}  // namespace coffer
