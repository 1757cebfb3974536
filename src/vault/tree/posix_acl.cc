#include "vault/tree/posix_acl.h"

#include <algorithm>

#include "coffer/core/bytes.h"

namespace coffer {
namespace {

constexpr std::uint32_t kVersion = 2;
constexpr std::uint16_t kPermissionsMax = 7;

}  // namespace

Result<PosixAcl> PosixAcl::parse(std::string_view value) {
  ByteReader in(value);
  PosixAcl acl;
  if (in.u32() != kVersion) return fail(Errc::InvalidArgument, "ACL: version");
  while (in.ok() && !in.at_end()) {
    Entry entry{};
    entry.tag = static_cast<Tag>(in.u16());
    entry.permissions = in.u16();
    entry.id = in.u32();
    acl.entries_.push_back(entry);
  }
  if (!in.ok() || !acl.is_valid()) return fail(Errc::InvalidArgument, "ACL");
  return acl;
}

std::string PosixAcl::encode() const {
  std::string value;
  ByteWriter out(value);
  out.u32(kVersion);
  for (const Entry& entry : entries_) {
    out.u16(static_cast<std::uint16_t>(entry.tag));
    out.u16(entry.permissions);
    out.u32(entry.id);
  }
  return value;
}

bool PosixAcl::is_valid() const {
  const auto count = [&](Tag tag) {
    return std::count_if(entries_.begin(), entries_.end(),
                         [&](const Entry& entry) { return entry.tag == tag; });
  };
  const auto named = count(Tag::User) + count(Tag::Group);
  const auto masks = count(Tag::Mask);
  const bool once =
      count(Tag::Owner) == 1 && count(Tag::OwningGroup) == 1 && count(Tag::Others) == 1;
  const bool no_other =
      named + masks + 3 == static_cast<std::ptrdiff_t>(entries_.size());  // else: an unknown tag
  const bool ordered = std::is_sorted(entries_.begin(), entries_.end(),
                                      [](const Entry& a, const Entry& b) { return a.tag < b.tag; });
  const bool bits = std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.permissions <= kPermissionsMax;
  });
  return once && no_other && ordered && bits && masks <= 1 && (named == 0 || masks == 1);
}

bool PosixAcl::has(Tag tag) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.tag == tag; });
}

std::uint16_t PosixAcl::permissions_of(Tag tag) const {
  for (const Entry& entry : entries_) {
    if (entry.tag == tag) return entry.permissions;
  }
  return 0;
}

std::uint16_t PosixAcl::mode() const {
  return static_cast<std::uint16_t>(permissions_of(Tag::Owner) << 6 |
                                    permissions_of(group_class()) << 3 |
                                    permissions_of(Tag::Others));
}

void PosixAcl::set_mode(std::uint16_t permissions) {
  const Tag group = group_class();
  for (Entry& entry : entries_) {
    if (entry.tag == Tag::Owner) entry.permissions = (permissions >> 6) & kPermissionsMax;
    if (entry.tag == group) entry.permissions = (permissions >> 3) & kPermissionsMax;
    if (entry.tag == Tag::Others) entry.permissions = permissions & kPermissionsMax;
  }
}

}  // namespace coffer
