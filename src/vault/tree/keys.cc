#include "vault/tree/keys.h"

#include "coffer/core/bytes.h"

namespace coffer::keys {
namespace {

// One key: the prefix byte, then what is appended in order.
class Key {
 public:
  explicit Key(Prefix prefix, std::size_t reserve = 32) {
    key_.reserve(reserve);
    key_.push_back(static_cast<char>(prefix));
  }
  Key& id(InodeId inode) { return u64(inode.value()); }
  Key& id(SegmentId segment) { return u64(segment.value()); }
  Key& u64(std::uint64_t number) {
    ByteWriter(key_).u64_big_endian(number);
    return *this;
  }
  Key& u32(std::uint32_t number) {
    ByteWriter(key_).u32_big_endian(number);
    return *this;
  }
  Key& u8(std::uint8_t number) {
    key_.push_back(static_cast<char>(number));
    return *this;
  }
  Key& text(std::string_view bytes) {
    key_.append(bytes);
    return *this;
  }
  // Keeps byte order and ends: 00 becomes 00 FF, and 00 01 closes it, so that no escaped text is
  // the prefix of another one and text that is shorter sorts first.
  Key& escaped(std::string_view bytes) {
    for (const char c : bytes) {
      key_.push_back(c);
      if (c == '\0') key_.push_back('\xff');
    }
    return text(std::string_view("\0\1", 2));
  }
  std::string take() { return std::move(key_); }

 private:
  std::string key_;
};

std::uint64_t big_endian_at(std::string_view key, std::size_t at) {
  if (key.size() < at + 8) return 0;
  return ByteReader(key.substr(at)).u64_big_endian();
}

}  // namespace

std::string counter(std::string_view name) { return Key(kCounter).text(name).take(); }
std::string inode(InodeId inode) { return Key(kInode).id(inode).take(); }

std::string dentry(InodeId parent, std::string_view stored_name, bool directory) {
  Key key(kDentry, stored_name.size() + 10);
  key.id(parent).text(stored_name);
  if (directory) key.text("/");
  return key.take();
}
std::string dentry_prefix(InodeId parent) { return Key(kDentry).id(parent).take(); }
std::string directory_index(InodeId parent, std::uint64_t cookie) {
  return Key(kDirectoryIndex).id(parent).u64(cookie).take();
}
std::string directory_index_prefix(InodeId parent) {
  return Key(kDirectoryIndex).id(parent).take();
}
std::string long_name(InodeId parent, std::string_view hash) {
  return Key(kLongName).id(parent).text(hash).take();
}
std::string xattr(InodeId inode, std::string_view name) {
  return Key(kXattr, name.size() + 9).id(inode).text(name).take();
}
std::string xattr_prefix(InodeId inode) { return Key(kXattr).id(inode).take(); }
std::string extent(InodeId inode, std::uint64_t file_offset) {
  return Key(kExtent).id(inode).u64(file_offset).take();
}
std::string extent_prefix(InodeId inode) { return Key(kExtent).id(inode).take(); }
std::string object(InodeId inode) { return Key(kObject).id(inode).take(); }
std::string object_parts(InodeId inode) { return Key(kObjectParts).id(inode).take(); }
std::string bucket_settings(InodeId bucket) { return Key(kBucketSettings).id(bucket).take(); }
std::string orphan(InodeId inode) { return Key(kOrphan).id(inode).take(); }
std::string segment(SegmentId segment) { return Key(kSegment).id(segment).take(); }
std::string live_bytes(SegmentId segment) { return Key(kLiveBytes).id(segment).take(); }
std::string degraded(SegmentId segment, std::uint32_t stripe, std::uint8_t shard) {
  return Key(kDegraded).id(segment).u32(stripe).u8(shard).take();
}
std::string shared_run(SegmentId segment, std::uint32_t first_ordinal) {
  return Key(kSharedRun).id(segment).u32(first_ordinal).take();
}
std::string shared_reference(SegmentId segment, std::uint32_t first_ordinal, InodeId inode,
                             std::uint64_t file_offset) {
  return Key(kSharedReference).id(segment).u32(first_ordinal).id(inode).u64(file_offset).take();
}
std::string shared_reference_prefix(SegmentId segment, std::uint32_t first_ordinal) {
  return Key(kSharedReference).id(segment).u32(first_ordinal).take();
}
std::string forward(InodeId part) { return Key(kForward).id(part).take(); }

std::string upload(InodeId bucket, std::string_view key, std::string_view upload_id) {
  return Key(kUpload, key.size() + 64).id(bucket).escaped(key).text(upload_id).take();
}
std::string upload_prefix(InodeId bucket) { return Key(kUpload).id(bucket).take(); }
std::string upload_key_prefix(InodeId bucket, std::string_view key) {
  return Key(kUpload, key.size() + 12).id(bucket).escaped(key).take();
}
std::string part(std::string_view upload_id, std::uint32_t number) {
  return Key(kPart, upload_id.size() + 5).text(upload_id).u32(number).take();
}
std::string part_prefix(std::string_view upload_id) { return Key(kPart).text(upload_id).take(); }
std::string version(InodeId bucket, std::string_view key, std::uint64_t sequence) {
  return Key(kVersion, key.size() + 20).id(bucket).escaped(key).u64(~sequence).take();
}
std::string version_prefix(InodeId bucket) { return Key(kVersion).id(bucket).take(); }
std::string version_key_prefix(InodeId bucket, std::string_view key) {
  return Key(kVersion, key.size() + 12).id(bucket).escaped(key).take();
}
std::string access_key(std::string_view id) { return Key(kAccessKey).text(id).take(); }

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

InodeId inode_of(std::string_view key) { return InodeId{big_endian_at(key, 1)}; }
std::uint64_t second_number_of(std::string_view key) { return big_endian_at(key, 9); }
std::string_view stored_name_of(std::string_view dentry_key) {
  return dentry_key.size() < 9 ? std::string_view{} : dentry_key.substr(9);
}

}  // namespace coffer::keys
