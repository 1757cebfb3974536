#include "gateway/s3/acl_request.h"

#include <algorithm>
#include <array>

#include "gateway/s3/object_lock.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/xml_reader.h"

namespace coffer::gateway {
namespace {

struct GrantHeader {
  std::string_view name;
  AclPermission permission;
};
constexpr std::array<GrantHeader, 5> kGrantHeaders{
    {{"x-amz-grant-read", AclPermission::Read},
     {"x-amz-grant-write", AclPermission::Write},
     {"x-amz-grant-read-acp", AclPermission::ReadAcp},
     {"x-amz-grant-write-acp", AclPermission::WriteAcp},
     {"x-amz-grant-full-control", AclPermission::FullControl}}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"')) text.remove_suffix(1);
  return text;
}

std::string name_of_owner(const S3Call& call, std::string_view id) {
  if (id == call.who.id && !call.who.name.empty() && id != call.service.owner_id)
    return call.who.name;
  if (id == call.service.owner_id) return "coffer";
  if (id == kAnonymousOwner) return "anonymous";
  if (id.empty()) return {};  // the keys without an owner have names of their own
  const auto owner = call.service.access_keys.find_owner(id);
  return owner ? owner->name : std::string();
}

/// `kind` is "id", "uri" or "emailAddress", as in the headers.
S3Result<Grantee> grantee(const S3Call& call, std::string_view kind, std::string_view value) {
  AccessKeys& keys = call.service.access_keys;
  if (kind == "uri") {
    const auto group = group_of(value);
    if (!group) return s3_fail(S3Code::InvalidArgument, "Invalid group uri");
    return Grantee{*group, {}};
  }
  if (kind == "emailAddress") {
    auto owner = keys.find_owner_by_email(value);
    if (!owner) return s3_fail(S3Code::UnresolvableGrantByEmailAddress);
    return Grantee{Grantee::Kind::Owner, owner->id.empty() ? call.service.owner_id : owner->id};
  }
  const bool known =
      value == call.service.owner_id || (!value.empty() && keys.find_owner(value).has_value());
  if (kind != "id" || !known) return s3_fail(S3Code::InvalidArgument, "Invalid id");
  return Grantee{Grantee::Kind::Owner, std::string(value)};
}

S3Result<void> add_grants(const S3Call& call, std::string_view header, AclPermission permission,
                          Acl& acl) {
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    const std::string_view item = header.substr(0, comma);
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos)
      return s3_fail(S3Code::InvalidArgument, "Argument format not recognized");
    S3_ASSIGN(Grantee who,
              grantee(call, trimmed(item.substr(0, equals)), trimmed(item.substr(equals + 1))));
    if (acl.size() == kGrantsMax) return s3_fail(S3Code::InvalidRequest, "Too many grants.");
    acl.push_back({std::move(who), permission});
  }
  return {};
}

/// Who may only put objects may give them to the bucket's owner, as many buckets ask for; to nobody else.
bool opens_to_others(const Acl& acl, const AclOwners& owners) {
  return std::any_of(acl.begin(), acl.end(), [&](const Grant& grant) {
    return grant.grantee.kind != Grantee::Kind::Owner ||
           (grant.grantee.id != owners.owner && grant.grantee.id != owners.bucket_owner);
  });
}

S3Result<Acl> acl_of_xml(const S3Call& call, const AclOwners& owners, std::string_view body) {
  S3_ASSIGN(const XmlElement document, parse_xml(body, "AccessControlPolicy"));
  const XmlElement* const list = document.child("AccessControlList");
  const XmlElement* const owner = document.child("Owner");
  if (list == nullptr || owner == nullptr) return s3_fail(S3Code::MalformedACLError);
  // An ACL does not give things away.
  const auto named = owner->child_text("ID");
  if (named && *named != owners.owner) return s3_fail(S3Code::AccessDenied);
  Acl acl;
  for (const XmlElement& element : list->children) {
    const XmlElement* const who = element.child("Grantee");
    const auto permission = acl_permission(element.child_text("Permission").value_or(""));
    if (element.name != "Grant" || who == nullptr || !permission || acl.size() == kGrantsMax)
      return s3_fail(S3Code::MalformedACLError);
    const auto id = who->child_text("ID");
    const auto uri = who->child_text("URI");
    const auto email = who->child_text("EmailAddress");
    if (!id && !uri && !email) return s3_fail(S3Code::MalformedACLError);
    const std::string_view kind = id ? "id" : uri ? "uri" : "emailAddress";
    S3_ASSIGN(Grantee found, grantee(call, kind, id ? *id : uri ? *uri : *email));
    acl.push_back({std::move(found), *permission});
  }
  // Groups first, as canned ACLs have them.
  std::stable_partition(acl.begin(), acl.end(), [](const Grant& grant) {
    return grant.grantee.kind != Grantee::Kind::Owner;
  });
  return acl;
}

}  // namespace

S3Result<std::optional<Acl>> acl_of_headers(const S3Call& call, const AclOwners& owners) {
  const auto canned = call.head.find("x-amz-acl");
  std::optional<Acl> acl;
  for (const GrantHeader& header : kGrantHeaders) {
    const auto value = call.head.find(header.name);
    if (!value) continue;
    if (canned) {
      return s3_fail(S3Code::InvalidRequest,
                     "Specifying both Canned ACLs and Header Grants is not allowed");
    }
    if (!acl) acl.emplace();
    S3_TRY(add_grants(call, *value, header.permission, *acl));
  }
  if (!canned) return acl;
  acl = canned_acl(*canned, owners);
  if (!acl) return s3_fail(S3Code::InvalidArgument);
  return acl;
}

S3Result<Acl> acl_of_request(const S3Call& call, const AclOwners& owners, std::string_view body) {
  S3_ASSIGN(auto acl, acl_of_headers(call, owners));
  if (!acl) return acl_of_xml(call, owners, body);
  if (!body.empty()) return s3_fail(S3Code::UnexpectedContent);
  return *std::move(acl);
}

S3Result<void> check_acl(const S3Call& call, const Acl& acl) {
  const BucketAccess& access = *call.access;
  // The one that says what holds anyway.
  const bool idle = !call.key.empty() && call.header("x-amz-acl") == "bucket-owner-full-control";
  if (access.ownership == Ownership::BucketOwnerEnforced && !idle)
    return s3_fail(S3Code::AccessControlListNotSupported);
  if (access.block.block_acls && is_public(acl)) return s3_fail(S3Code::AccessDenied);
  return {};
}

S3Result<std::map<std::string, std::string>> new_object_properties(const S3Call& call) {
  std::map<std::string, std::string> properties;
  if (!call.access) return properties;  // the vault will say that there is no bucket
  const BucketAccess& access = *call.access;
  std::string owner(call.who.anonymous() ? kAnonymousOwner : std::string_view(call.who.id));
  S3_ASSIGN(std::optional<Acl> acl, acl_of_headers(call, {owner, access.owner}));
  if (acl) S3_TRY(check_acl(call, *acl));
  const bool opens = acl && opens_to_others(*acl, {owner, access.owner});
  if (opens && !call.may_do("s3:PutObjectAcl", AclPermission::Write, nullptr))
    return s3_fail(S3Code::AccessDenied);
  const bool given = access.ownership == Ownership::BucketOwnerPreferred &&
                     call.header("x-amz-acl") == "bucket-owner-full-control";
  if (given || access.ownership == Ownership::BucketOwnerEnforced) {
    owner = access.owner;
    acl.reset();
  }
  if (owner != access.owner) properties[property::kOwner] = owner;
  if (acl && *acl != private_acl(owner)) properties[property::kAcl] = encode_acl(*acl);
  S3_TRY(add_lock_properties(call, properties));
  // An upload's begins when it is completed.
  if (call.operation != &kCreateMultipartUpload) add_default_retention(call, properties);
  return properties;
}

std::map<std::string, std::string> marker_properties(const S3Call& call) {
  std::map<std::string, std::string> properties;
  const std::string_view owner =
      call.who.anonymous() ? kAnonymousOwner : std::string_view(call.who.id);
  if (call.access && owner != call.access->owner) properties[property::kOwner] = owner;
  return properties;
}

void write_owner(const S3Call& call, std::string_view element, std::string_view id,
                 XmlWriter& xml) {
  xml.open(element);
  xml.element("ID", id);
  xml.element("DisplayName", name_of_owner(call, id));
  xml.close(element);
}

std::string owner_of(const S3Call& call, const ObjectInfo& object) {
  return upload_owner(call, object.metadata);
}

std::string upload_owner(const S3Call& call, const ObjectMetadata& metadata) {
  if (!call.access) return call.service.owner_id;
  const auto owner = metadata.properties.find(property::kOwner);
  const bool of_bucket = owner == metadata.properties.end() ||
                         call.access->ownership == Ownership::BucketOwnerEnforced;
  return of_bucket ? call.access->owner : owner->second;
}

void write_acl(const S3Call& call, std::string_view owner, const Acl& acl, XmlWriter& xml) {
  xml.open_document("AccessControlPolicy");
  write_owner(call, "Owner", owner, xml);
  xml.open("AccessControlList");
  for (const Grant& grant : acl) {
    const bool is_owner = grant.grantee.kind == Grantee::Kind::Owner;
    xml.open("Grant");
    xml.raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"");
    xml.raw(is_owner ? "CanonicalUser\">" : "Group\">");
    if (is_owner) {
      xml.element("ID", grant.grantee.id);
      xml.element("DisplayName", name_of_owner(call, grant.grantee.id));
    } else {
      xml.element("URI", uri_of(grant.grantee.kind));
    }
    xml.close("Grantee");
    xml.element("Permission", name_of(grant.permission));
    xml.close("Grant");
  }
  xml.close("AccessControlList");
  xml.close("AccessControlPolicy");
}

}  // namespace coffer::gateway
