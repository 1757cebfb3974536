#pragma once
/// Who may do what: the one place where ownership, ACLs, bucket policy and public access block meet.
///
///   Deny of the policy ─► Allow of the policy ─► ownership ─► ACL ─► no
///
/// Threads   plain values and pure functions; BucketAccess is constant once made.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "coffer/vault/objects.h"
#include "gateway/auth/acl.h"
#include "gateway/auth/policy.h"

namespace coffer::gateway {

/// The names of a bucket's settings in the vault (docs/format.md §5.10).
namespace setting {
inline constexpr const char* kOwner = "owner";
inline constexpr const char* kAcl = "acl";
inline constexpr const char* kPolicy = "policy";
inline constexpr const char* kPublicAccessBlock = "public-access-block";
inline constexpr const char* kOwnership = "ownership";
inline constexpr const char* kTagging = "tagging";
inline constexpr const char* kCors = "cors";
inline constexpr const char* kEncryption = "encryption";
inline constexpr const char* kObjectLock = "object-lock";
inline constexpr const char* kLifecycle = "lifecycle";
}  // namespace setting

/// The names of an object's properties in the vault (docs/format.md §5.7).
namespace property {
inline constexpr const char* kOwner = "owner";          // absent: the bucket's
inline constexpr const char* kAcl = "acl";              // absent: private
inline constexpr const char* kInitiator = "initiator";  // of an upload; absent: the owner
}  // namespace property

enum class Ownership { ObjectWriter, BucketOwnerPreferred, BucketOwnerEnforced };
std::optional<Ownership> ownership_of(std::string_view name);

struct PublicAccessBlock {
  bool block_acls = false, ignore_acls = false, block_policy = false, restrict_buckets = false;
};
/// As the setting is kept: four characters 0 or 1.
std::string encode_public_access_block(const PublicAccessBlock& block);
std::optional<PublicAccessBlock> decode_public_access_block(std::string_view text);

/// What a bucket's settings say of access.
struct BucketAccess {
  InodeId bucket_id;  // that they are the settings of
  std::shared_ptr<const BucketSettings> settings;
  std::string owner;
  Acl acl;
  std::optional<Policy> policy;
  bool owner_only = false;  // there is a policy, and it is not one for this bucket
  PublicAccessBlock block;
  Ownership ownership = Ownership::ObjectWriter;

  /// Nothing where a setting cannot be read: then nobody may do anything.
  static std::shared_ptr<const BucketAccess> read(BucketInfo bucket, std::string_view vault_owner);
  [[nodiscard]] std::optional<std::string_view> setting(const char* name) const;
};

struct ObjectAccess {
  std::string owner;
  Acl acl;
  /// An upload: its owner's and the bucket's owner's, whatever the bucket's ACL grants; and whose it is does not matter to the
  /// bucket's policy.
  bool under_way = false;
  /// Nothing where a property cannot be read.
  static std::optional<ObjectAccess> read(const ObjectMetadata& metadata,
                                          const BucketAccess& bucket);
};

struct AccessQuestion {
  const Principal& who;
  const BucketAccess& bucket;
  const ObjectAccess* object = nullptr;  // what is asked about; null: the bucket, or a new object
  std::string_view action;
  std::string_view resource;  // "bucket" or "bucket/key"
  AclPermission acl = AclPermission::None;
  const ConditionLookup& values;
  ConditionAnswers* answers = nullptr;  // PolicyQuestion's
};

bool may(const AccessQuestion& question);

}  // namespace coffer::gateway
