#include "vault/tree/object_record.h"

#include <array>
#include <cstdio>

#include "vault/crypto/hash.h"

namespace coffer {
namespace {
constexpr std::uint8_t kLayout = 1;
}  // namespace

void encode_map(ByteWriter& out, const std::map<std::string, std::string>& map) {
  out.varint(map.size());
  for (const auto& [name, value] : map) {
    out.prefixed(name);
    out.prefixed(value);
  }
}

std::map<std::string, std::string> decode_map(ByteReader& in) {
  std::map<std::string, std::string> map;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    std::string name(in.prefixed());
    map[std::move(name)] = in.prefixed();
  }
  return map;
}

void encode_metadata(ByteWriter& out, const ObjectMetadata& metadata) {
  out.prefixed(metadata.etag);
  out.prefixed(metadata.content_type);
  out.varint(metadata.parts);
  encode_map(out, metadata.headers);
  encode_map(out, metadata.user);
  encode_map(out, metadata.checksums);
}

ObjectMetadata decode_metadata(ByteReader& in) {
  ObjectMetadata metadata;
  metadata.etag = in.prefixed();
  metadata.content_type = in.prefixed();
  metadata.parts = static_cast<std::uint32_t>(in.varint());
  metadata.headers = decode_map(in);
  metadata.user = decode_map(in);
  metadata.checksums = decode_map(in);
  return metadata;
}

std::string encode_object(const ObjectRecord& record) {
  std::string value;
  ByteWriter out(value);
  out.u8(kLayout);
  out.varint(record.content_version);
  out.varint(record.body.value());
  out.i64(record.modified.seconds);
  out.u32(record.modified.nanoseconds);
  encode_metadata(out, record.metadata);
  return value;
}

Result<ObjectRecord> decode_object(std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kLayout) return fail(Errc::Corrupt, "object row: unknown layout");
  ObjectRecord record;
  record.content_version = in.varint();
  record.body = InodeId{in.varint()};
  record.modified.seconds = in.i64();
  record.modified.nanoseconds = in.u32();
  record.metadata = decode_metadata(in);
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "object row");
  return record;
}

std::string derived_etag(InodeId inode, std::uint64_t content_version, std::uint64_t size,
                         const Timespec& modified) {
  std::string state;
  ByteWriter out(state);
  out.u64(inode.value());
  out.u64(content_version);
  out.u64(size);
  out.i64(modified.seconds);
  out.u32(modified.nanoseconds);
  const crypto::Checksum hash = crypto::checksum(as_bytes(state));
  std::string etag;
  for (const std::byte b : hash) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", std::to_integer<unsigned>(b));
    etag.append(hex.data(), 2);
  }
  return etag + "-1";
}

}  // namespace coffer
