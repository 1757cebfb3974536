#include "vault/tree/dentry.h"

#include "coffer/core/bytes.h"

namespace coffer {
namespace {

bool is_file_type(std::uint8_t value) {
  return value >= static_cast<std::uint8_t>(FileType::Regular) &&
         value <= static_cast<std::uint8_t>(FileType::BlockDevice);
}

}  // namespace

std::string encode_dentry(const Dentry& dentry) {
  std::string value;
  value.reserve(20);
  ByteWriter out(value);
  out.u8(static_cast<std::uint8_t>(dentry.type));
  out.varint(dentry.inode.value());
  out.varint(dentry.cookie);
  return value;
}

Result<Dentry> decode_dentry(std::string_view value) {
  ByteReader in(value);
  const std::uint8_t type = in.u8();
  Dentry dentry;
  dentry.inode = InodeId{in.varint()};
  dentry.cookie = in.varint();
  if (!in.ok() || !in.at_end() || !is_file_type(type)) {
    return fail(Errc::Corrupt, "directory entry row");
  }
  dentry.type = static_cast<FileType>(type);
  return dentry;
}

std::string encode_indexed_entry(const IndexedEntry& entry) {
  std::string value;
  value.reserve(entry.stored_name.size() + 11);
  ByteWriter out(value);
  out.u8(static_cast<std::uint8_t>(entry.type));
  out.varint(entry.inode.value());
  out.raw(entry.stored_name);
  return value;
}

Result<IndexedEntry> decode_indexed_entry(std::string_view value) {
  ByteReader in(value);
  const std::uint8_t type = in.u8();
  IndexedEntry entry;
  entry.inode = InodeId{in.varint()};
  entry.stored_name = in.text(in.remaining());
  if (!in.ok() || !is_file_type(type)) return fail(Errc::Corrupt, "directory index row");
  entry.type = static_cast<FileType>(type);
  return entry;
}

}  // namespace coffer
