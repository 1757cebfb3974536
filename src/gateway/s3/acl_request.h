#pragma once
/// ACLs as requests bring them and replies show them, and who owns what a request makes.
///
/// Threads   any; it holds nothing.
/// Errors    AWS's: InvalidArgument for owners and groups that are not known, AccessControlListNotSupported where the
///           bucket has no ACLs, AccessDenied where public ones are blocked.

#include <optional>

#include "gateway/s3/call.h"
#include "gateway/s3/xml_writer.h"

namespace coffer::gateway {

/// Of x-amz-acl or x-amz-grant-*; nothing where neither is there.
S3Result<std::optional<Acl>> acl_of_headers(const S3Call& call, const AclOwners& owners);
/// Of the headers, or else of the body, an AccessControlPolicy.
S3Result<Acl> acl_of_request(const S3Call& call, const AclOwners& owners, std::string_view body);
void write_acl(const S3Call& call, std::string_view owner, const Acl& acl, XmlWriter& xml);

/// Refuses an ACL that nobody may set in the call's bucket. @pre call.access
S3Result<void> check_acl(const S3Call& call, const Acl& acl);

/// Whose a new object in the call's bucket is, and its ACL, as the headers want it: properties for the vault.
S3Result<std::map<std::string, std::string>> new_object_properties(const S3Call& call);

/// Of a delete marker that the call makes.
std::map<std::string, std::string> marker_properties(const S3Call& call);

/// <Owner>, or another element, of an owner by id.
void write_owner(const S3Call& call, std::string_view element, std::string_view id, XmlWriter& xml);
/// Of an upload into the call's bucket: of the object that it will make.
std::string upload_owner(const S3Call& call, const ObjectMetadata& metadata);
/// Of an object in a listing of the call's bucket.
std::string owner_of(const S3Call& call, const ObjectInfo& object);

}  // namespace coffer::gateway
