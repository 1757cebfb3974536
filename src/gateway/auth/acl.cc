#include "gateway/auth/acl.h"

#include <algorithm>
#include <array>

namespace coffer::gateway {
namespace {

struct PermissionName {
  AclPermission permission;
  std::string_view name;
};
constexpr std::array<PermissionName, 5> kPermissions{
    {{AclPermission::Read, "READ"},
     {AclPermission::Write, "WRITE"},
     {AclPermission::ReadAcp, "READ_ACP"},
     {AclPermission::WriteAcp, "WRITE_ACP"},
     {AclPermission::FullControl, "FULL_CONTROL"}}};

struct GroupName {
  Grantee::Kind kind;
  std::string_view uri;
};
constexpr std::array<GroupName, 3> kGroups{
    {{Grantee::Kind::AllUsers, "http://acs.amazonaws.com/groups/global/AllUsers"},
     {Grantee::Kind::AuthenticatedUsers,
      "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"},
     {Grantee::Kind::LogDelivery, "http://acs.amazonaws.com/groups/s3/LogDelivery"}}};

bool is_group_of_strangers(Grantee::Kind kind) {
  return kind == Grantee::Kind::AllUsers || kind == Grantee::Kind::AuthenticatedUsers;
}

bool concerns(const Grantee& grantee, const Principal& who) {
  switch (grantee.kind) {
    case Grantee::Kind::Owner:
      return !who.anonymous() && grantee.id == who.id;
    case Grantee::Kind::AllUsers:
      return true;
    case Grantee::Kind::AuthenticatedUsers:
      return !who.anonymous();
    case Grantee::Kind::LogDelivery:
      return false;
  }
  __builtin_unreachable();
}

/// The text up to the next `end`, which is taken off too.
std::string_view take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view piece = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return piece;
}

}  // namespace

std::string_view name_of(AclPermission permission) {
  for (const PermissionName& known : kPermissions) {
    if (known.permission == permission) return known.name;
  }
  return {};
}

std::optional<AclPermission> acl_permission(std::string_view name) {
  for (const PermissionName& known : kPermissions) {
    if (known.name == name) return known.permission;
  }
  return std::nullopt;
}

std::string_view uri_of(Grantee::Kind group) {
  for (const GroupName& known : kGroups) {
    if (known.kind == group) return known.uri;
  }
  return {};
}

std::optional<Grantee::Kind> group_of(std::string_view uri) {
  for (const GroupName& known : kGroups) {
    if (known.uri == uri) return known.kind;
  }
  return std::nullopt;
}

std::string encode_acl(const Acl& acl) {
  std::string text;
  for (const Grant& grant : acl) {
    text.append(name_of(grant.permission));
    if (grant.grantee.kind == Grantee::Kind::Owner) {
      text.append(" id ").append(grant.grantee.id);
    } else {
      text.append(" group ").append(uri_of(grant.grantee.kind));
    }
    text.push_back('\n');
  }
  return text;
}

std::optional<Acl> decode_acl(std::string_view text) {
  Acl acl;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const auto permission = acl_permission(take(line, ' '));
    const std::string_view kind = take(line, ' ');
    if (!permission || line.empty() || acl.size() == kGrantsMax) return std::nullopt;
    Grant grant{{Grantee::Kind::Owner, std::string(line)}, *permission};
    if (kind == "group") {
      const auto group = group_of(line);
      if (!group) return std::nullopt;
      grant.grantee = {*group, {}};
    } else if (kind != "id") {
      return std::nullopt;
    }
    acl.push_back(std::move(grant));
  }
  return acl;
}

Acl private_acl(std::string_view owner) {
  return {{{Grantee::Kind::Owner, std::string(owner)}, AclPermission::FullControl}};
}

std::optional<Acl> canned_acl(std::string_view name, const AclOwners& owners) {
  const Grant full = private_acl(owners.owner).front();
  const Grant everybody_reads{{Grantee::Kind::AllUsers, {}}, AclPermission::Read};
  const Grant everybody_writes{{Grantee::Kind::AllUsers, {}}, AclPermission::Write};
  if (name == "private" || name == "aws-exec-read") return Acl{full};
  if (name == "public-read") return Acl{everybody_reads, full};
  if (name == "public-read-write") return Acl{everybody_reads, everybody_writes, full};
  if (name == "authenticated-read") {
    return Acl{{{Grantee::Kind::AuthenticatedUsers, {}}, AclPermission::Read}, full};
  }
  const bool same = owners.bucket_owner.empty() || owners.bucket_owner == owners.owner;
  const Grantee bucket_owner{Grantee::Kind::Owner, std::string(owners.bucket_owner)};
  if (name == "bucket-owner-read") {
    return same ? Acl{full} : Acl{full, {bucket_owner, AclPermission::Read}};
  }
  if (name == "bucket-owner-full-control") {
    return same ? Acl{full} : Acl{full, {bucket_owner, AclPermission::FullControl}};
  }
  if (name == "log-delivery-write" && owners.bucket_owner.empty()) {
    const Grantee delivery{Grantee::Kind::LogDelivery, {}};
    return Acl{{delivery, AclPermission::Write}, {delivery, AclPermission::ReadAcp}, full};
  }
  return std::nullopt;
}

bool acl_allows(const Acl& acl, const Principal& who, AclPermission wanted, PublicGrants grants) {
  if (wanted == AclPermission::None) return false;
  const auto bits = static_cast<unsigned>(wanted);
  return std::any_of(acl.begin(), acl.end(), [&](const Grant& grant) {
    if (grants == PublicGrants::Ignore && is_group_of_strangers(grant.grantee.kind)) return false;
    return (static_cast<unsigned>(grant.permission) & bits) == bits && concerns(grant.grantee, who);
  });
}

bool is_public(const Acl& acl) {
  return std::any_of(acl.begin(), acl.end(),
                     [](const Grant& grant) { return is_group_of_strangers(grant.grantee.kind); });
}

}  // namespace coffer::gateway
