#pragma once
/// Rows of multipart uploads. Format: docs/format.md §5.8.
///
/// An upload row stands under (bucket, object key, upload id); its parts under (upload id, number), each naming a hidden inode with
/// one link that holds the part's bytes. Upload ids begin with the time of creation, so that rows of one key sort by it.

#include <optional>
#include <string>
#include <string_view>

#include "coffer/vault/objects.h"
#include "vault/tree/tree_change.h"

namespace coffer {

struct UploadRecord {
  Timespec initiated;
  ObjectMetadata metadata;
};

struct PartRecord {
  InodeId inode;
  PartInfo info;  // the number is in the key
};

std::string encode_upload(const UploadRecord& record);
Result<UploadRecord> decode_upload(std::string_view value);
std::string encode_part(const PartRecord& record);
Result<PartRecord> decode_part(std::uint32_t number, std::string_view value);

std::string new_upload_id(const Timespec& now);
/// Could have been made by new_upload_id(): what clients send is checked before it becomes part of a key.
bool is_upload_id(std::string_view id);

/// Reads back an upload row's key. Empty if it is damaged.
struct UploadKey {
  std::string key, upload_id;
};
std::optional<UploadKey> parse_upload_key(std::string_view row);

/// All parts of an upload, ascending.
Result<std::vector<PartRecord>> read_parts(MetaStore& meta, std::string_view upload_id);
/// Removes the bytes and rows of an upload's parts, then its own row: after a crash in between the rest can be dropped again.
/// @pre nothing is added to the upload meanwhile
Result<void> drop_upload(Namespace& names, InodeId bucket, std::string_view key,
                         std::string_view upload_id);

}  // namespace coffer
