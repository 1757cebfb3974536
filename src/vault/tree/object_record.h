#pragma once
/// ObjectRecord: the value of an object row: what S3 keeps with an object. Format: docs/format.md §5.7.
///
/// A file made at the mount has none until S3 asks for more than can be derived. The row's ETag and checksums hold only while the
/// inode's content_version is the one they were made for: a write at the mount lets them lapse.

#include <string>
#include <string_view>

#include "coffer/core/error.h"
#include "coffer/vault/objects.h"

namespace coffer {

struct ObjectRecord {
  std::uint64_t content_version = 0;  // of the inode that holds the bytes
  InodeId body;                       // of `k/`: the inode that holds its bytes; 0: no bytes
  Timespec modified;                  // of `k/` alone: its directory's own times follow its entries
  ObjectMetadata metadata;
};

std::string encode_object(const ObjectRecord& record);
Result<ObjectRecord> decode_object(std::string_view value);
/// The value of an object parts row; its parts have number, size and checksums.
std::string encode_object_parts(const std::vector<PartInfo>& parts);
Result<std::vector<PartInfo>> decode_object_parts(std::string_view value);
std::string encode_settings(const BucketSettings& settings);
Result<BucketSettings> decode_settings(std::string_view value);

/// An ETag for content of which no MD5 is known: changes with the content, and contains '-'.
std::string derived_etag(InodeId inode, std::uint64_t content_version, std::uint64_t size,
                         const Timespec& modified);

/// Rows with metadata: 2 has tags and properties behind it. What has neither is written as 1.
enum class MetadataLayout : std::uint8_t { Plain = 1, Tagged = 2 };
MetadataLayout layout_of(const ObjectMetadata& metadata);
std::optional<MetadataLayout> metadata_layout(std::uint8_t byte);

// Used by upload rows too.
void encode_metadata(ByteWriter& out, const ObjectMetadata& metadata);
ObjectMetadata decode_metadata(ByteReader& in, MetadataLayout layout);
void encode_map(ByteWriter& out, const std::map<std::string, std::string>& map);
std::map<std::string, std::string> decode_map(ByteReader& in);

}  // namespace coffer
