#include "vault/tree/inode_record.h"

#include "coffer/core/bytes.h"

namespace coffer {
namespace {

// The first byte of every inode row: the layout that follows.
constexpr std::uint8_t kLayout = 1;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

// Signed seconds as an unsigned number that is small near 1970 (zigzag), then nanoseconds.
void write_time(ByteWriter& out, const Timespec& time) {
  const auto seconds = static_cast<std::uint64_t>(time.seconds);
  out.varint((seconds << 1) ^ (time.seconds < 0 ? ~std::uint64_t{0} : 0));
  out.u32(time.nanoseconds);
}

Timespec read_time(ByteReader& in, bool& valid) {
  const std::uint64_t zigzag = in.varint();
  Timespec time;
  time.seconds =
      static_cast<std::int64_t>((zigzag >> 1) ^ ((zigzag & 1U) != 0 ? ~std::uint64_t{0} : 0));
  time.nanoseconds = in.u32();
  valid = valid && time.nanoseconds < kNanosecondsPerSecond;
  return time;
}

std::uint32_t read_u32(ByteReader& in, bool& valid) {
  const std::uint64_t value = in.varint();
  valid = valid && value <= UINT32_MAX;
  return static_cast<std::uint32_t>(value);
}

std::string encode_tag(const VersionTag& tag) {
  std::string text;
  ByteWriter out(text);
  out.varint(tag.sequence);
  out.u8(tag.is_null ? 1 : 0);
  out.raw(tag.key);
  return text;
}

VersionTag decode_tag(std::string_view text, bool& valid) {
  ByteReader in(text);
  VersionTag tag;
  tag.sequence = in.varint();
  const std::uint8_t is_null = in.u8();
  tag.is_null = is_null == 1;
  tag.key = in.text(in.remaining());
  valid = valid && in.ok() && is_null <= 1;
  return tag;
}

}  // namespace

void InodeRecord::protect(Protection wanted) {
  const unsigned kept = flags & ~unsigned{kImmutable | kAppendOnly};
  const unsigned set =
      (wanted.immutable ? kImmutable : 0U) | (wanted.append_only ? kAppendOnly : 0U);
  flags = static_cast<std::uint16_t>(kept | set);
}

void InodeRecord::set_version(std::optional<VersionTag> tag) {
  version = std::move(tag);
  if (version) {
    flags |= kVersion;
    return;
  }
  flags &= static_cast<std::uint16_t>(~(kVersion | kSealed));
  if (attributes.type != FileType::Directory) parent = InodeId{};
}

std::string encode_inode(const InodeRecord& record) {
  const Attributes& a = record.attributes;
  std::string value;
  value.reserve(80 + record.symlink_target.size() + record.extents.size());
  ByteWriter out(value);
  out.u8(kLayout);
  out.u8(static_cast<std::uint8_t>(a.type));
  out.u16(a.permissions);
  out.u16(record.flags);
  out.varint(a.uid);
  out.varint(a.gid);
  out.varint(a.nlink);
  out.varint(a.rdev);
  out.varint(a.size);
  out.varint(a.allocated);
  write_time(out, a.atime);
  write_time(out, a.mtime);
  write_time(out, a.ctime);
  write_time(out, a.btime);
  out.varint(record.parent.value());
  out.varint(record.content_version);
  out.prefixed(record.version ? encode_tag(*record.version) : record.symlink_target);
  out.raw(record.extents);
  return value;
}

Result<InodeRecord> decode_inode(InodeId inode, std::string_view value) {
  ByteReader in(value);
  if (in.u8() != kLayout) return fail(Errc::Corrupt, "inode row: unknown layout");
  InodeRecord record;
  Attributes& a = record.attributes;
  bool valid = true;
  a.inode = inode;
  const std::uint8_t type = in.u8();
  a.permissions = in.u16();
  record.flags = in.u16();
  a.uid = read_u32(in, valid);
  a.gid = read_u32(in, valid);
  a.nlink = read_u32(in, valid);
  a.rdev = read_u32(in, valid);
  a.size = in.varint();
  a.allocated = in.varint();
  a.atime = read_time(in, valid);
  a.mtime = read_time(in, valid);
  a.ctime = read_time(in, valid);
  a.btime = read_time(in, valid);
  record.parent = InodeId{in.varint()};
  record.content_version = in.varint();
  const std::string_view text = in.prefixed();
  if (record.has(InodeRecord::kVersion)) {
    record.version = decode_tag(text, valid);
  } else {
    record.symlink_target = text;
  }
  record.extents = in.text(in.remaining());
  valid = valid && in.ok() && type >= static_cast<std::uint8_t>(FileType::Regular) &&
          type <= static_cast<std::uint8_t>(FileType::BlockDevice) && a.permissions <= 07777;
  if (!valid) return fail(Errc::Corrupt, "inode row");
  a.type = static_cast<FileType>(type);
  return record;
}

}  // namespace coffer
