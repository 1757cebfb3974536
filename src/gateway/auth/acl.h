#pragma once
/// Acl: access control lists of buckets and objects.
///
/// Format    encode_acl(): a line for each grant, "PERMISSION id|group NAME"; docs/format.md §5.10.
/// Threads   plain values and pure functions.
/// Errors    nothing on a text that is no ACL.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/principal.h"

namespace coffer::gateway {

enum class AclPermission : std::uint8_t {
  None = 0,  // what no ACL grants: the owner's, or a policy's to give
  Read = 1,
  Write = 2,
  ReadAcp = 4,
  WriteAcp = 8,
  FullControl = 15,
};

struct Grantee {
  enum class Kind : std::uint8_t { Owner, AllUsers, AuthenticatedUsers, LogDelivery };
  Kind kind = Kind::Owner;
  std::string id;  // of an Owner
  bool operator==(const Grantee&) const = default;
};

struct Grant {
  Grantee grantee;
  AclPermission permission = AclPermission::None;
  bool operator==(const Grant&) const = default;
};

using Acl = std::vector<Grant>;
inline constexpr std::size_t kGrantsMax = 100;

std::string encode_acl(const Acl& acl);
std::optional<Acl> decode_acl(std::string_view text);

/// "READ_ACP", as in XML, and back.
std::string_view name_of(AclPermission permission);
std::optional<AclPermission> acl_permission(std::string_view name);
/// "http://acs.amazonaws.com/groups/global/AllUsers", and back.
std::string_view uri_of(Grantee::Kind group);
std::optional<Grantee::Kind> group_of(std::string_view uri);

/// What has no ACL of its own.
Acl private_acl(std::string_view owner);

/// x-amz-acl's names. bucket-owner-* are of objects; where `bucket_owner` is empty they are private.
struct AclOwners {
  std::string_view owner;         // of what the ACL is for
  std::string_view bucket_owner;  // empty: it is for a bucket
};
std::optional<Acl> canned_acl(std::string_view name, const AclOwners& owners);

enum class PublicGrants { Count, Ignore };
bool acl_allows(const Acl& acl, const Principal& who, AclPermission wanted, PublicGrants grants);
/// Grants something to everybody, or to everybody with a key.
bool is_public(const Acl& acl);

}  // namespace coffer::gateway
