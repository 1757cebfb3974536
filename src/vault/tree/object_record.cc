#include "vault/tree/object_record.h"

#include <array>
#include <cstdio>

#include "vault/crypto/hash.h"

namespace coffer {
namespace {
constexpr std::uint8_t kPartsLayout = 1;
constexpr std::uint8_t kSettingsLayout = 1;
}  // namespace

MetadataLayout layout_of(const ObjectMetadata& metadata) {
  return metadata.tags.empty() && metadata.properties.empty() ? MetadataLayout::Plain
                                                              : MetadataLayout::Tagged;
}

std::optional<MetadataLayout> metadata_layout(std::uint8_t byte) {
  if (byte == 1) return MetadataLayout::Plain;
  if (byte == 2) return MetadataLayout::Tagged;
  return std::nullopt;
}

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
  if (layout_of(metadata) == MetadataLayout::Plain) return;
  encode_map(out, metadata.tags);
  encode_map(out, metadata.properties);
}

ObjectMetadata decode_metadata(ByteReader& in, MetadataLayout layout) {
  ObjectMetadata metadata;
  metadata.etag = in.prefixed();
  metadata.content_type = in.prefixed();
  metadata.parts = static_cast<std::uint32_t>(in.varint());
  metadata.headers = decode_map(in);
  metadata.user = decode_map(in);
  metadata.checksums = decode_map(in);
  if (layout == MetadataLayout::Plain) return metadata;
  metadata.tags = decode_map(in);
  metadata.properties = decode_map(in);
  return metadata;
}

std::string encode_object(const ObjectRecord& record) {
  std::string value;
  ByteWriter out(value);
  out.u8(static_cast<std::uint8_t>(layout_of(record.metadata)));
  out.varint(record.content_version);
  out.varint(record.body.value());
  out.i64(record.modified.seconds);
  out.u32(record.modified.nanoseconds);
  encode_metadata(out, record.metadata);
  return value;
}

Result<ObjectRecord> decode_object(std::string_view value) {
  ByteReader in(value);
  const auto layout = metadata_layout(in.u8());
  if (!layout) return fail(Errc::Corrupt, "object row: unknown layout");
  ObjectRecord record;
  record.content_version = in.varint();
  record.body = InodeId{in.varint()};
  record.modified.seconds = in.i64();
  record.modified.nanoseconds = in.u32();
  record.metadata = decode_metadata(in, *layout);
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "object row");
  return record;
}

std::string encode_object_parts(const std::vector<PartInfo>& parts) {
  std::string value;
  ByteWriter out(value);
  out.u8(kPartsLayout);
  out.varint(parts.size());
  for (const PartInfo& part : parts) {
    out.varint(part.number);
    out.varint(part.size);
    encode_map(out, part.checksums);
  }
  return value;
}

Result<std::vector<PartInfo>> decode_object_parts(std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kPartsLayout) return fail(Errc::Corrupt, "object parts row: unknown layout");
  std::vector<PartInfo> parts;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    PartInfo part;
    part.number = static_cast<std::uint32_t>(in.varint());
    part.size = in.varint();
    part.checksums = decode_map(in);
    parts.push_back(std::move(part));
  }
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "object parts row");
  return parts;
}

std::string encode_settings(const BucketSettings& settings) {
  std::string value;
  ByteWriter out(value);
  out.u8(kSettingsLayout);
  encode_map(out, settings);
  return value;
}

Result<BucketSettings> decode_settings(std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kSettingsLayout) return fail(Errc::Corrupt, "bucket settings row: unknown layout");
  BucketSettings settings = decode_map(in);
  if (!in.ok() || !in.at_end()) return fail(Errc::Corrupt, "bucket settings row");
  return settings;
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
