#include "gateway/auth/access.h"

#include <algorithm>
#include <array>

namespace coffer::gateway {
namespace {

/// A bucket's owner can always repair a policy that locks everybody out.
bool is_about_policy(std::string_view action) {
  return action == "s3:GetBucketPolicy" || action == "s3:PutBucketPolicy" ||
         action == "s3:DeleteBucketPolicy";
}

/// What the owner of a bucket may do with objects of others in it.
bool is_bucket_owners(std::string_view action) {
  static constexpr std::array<std::string_view, 3> kActions{
      "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging"};
  return std::find(kActions.begin(), kActions.end(), action) != kActions.end();
}

bool by_ownership(const AccessQuestion& question) {
  const Principal& who = question.who;
  // Nobody's upload is whose who knows its id, as long as nobody may write at all.
  if (who.anonymous())
    return question.object != nullptr && question.object->under_way &&
           question.object->owner == kAnonymousOwner;
  const bool owns_bucket = who.id == question.bucket.owner;
  if (question.object == nullptr) return owns_bucket;
  return question.object->owner == who.id ||
         (owns_bucket && (question.object->under_way || is_bucket_owners(question.action)));
}

bool by_acl(const AccessQuestion& question) {
  const BucketAccess& bucket = question.bucket;
  if (bucket.ownership == Ownership::BucketOwnerEnforced) return false;
  const auto grants = bucket.block.ignore_acls ? PublicGrants::Ignore : PublicGrants::Count;
  const Acl& acl = question.object != nullptr ? question.object->acl : bucket.acl;
  return acl_allows(acl, question.who, question.acl, grants);
}

}  // namespace

std::optional<Ownership> ownership_of(std::string_view name) {
  if (name == "ObjectWriter") return Ownership::ObjectWriter;
  if (name == "BucketOwnerPreferred") return Ownership::BucketOwnerPreferred;
  if (name == "BucketOwnerEnforced") return Ownership::BucketOwnerEnforced;
  return std::nullopt;
}

std::string encode_public_access_block(const PublicAccessBlock& block) {
  std::string text;
  for (const bool flag :
       {block.block_acls, block.ignore_acls, block.block_policy, block.restrict_buckets}) {
    text.push_back(flag ? '1' : '0');
  }
  return text;
}

std::optional<PublicAccessBlock> decode_public_access_block(std::string_view text) {
  if (text.size() != 4 || text.find_first_not_of("01") != std::string_view::npos)
    return std::nullopt;
  return PublicAccessBlock{text[0] == '1', text[1] == '1', text[2] == '1', text[3] == '1'};
}

std::optional<std::string_view> BucketAccess::setting(const char* name) const {
  const auto found = settings->find(name);
  if (found == settings->end()) return std::nullopt;
  return found->second;
}

std::shared_ptr<const BucketAccess> BucketAccess::read(BucketInfo bucket,
                                                       std::string_view vault_owner) {
  auto access = std::make_shared<BucketAccess>();
  access->bucket_id = bucket.inode;
  access->settings = std::move(bucket.settings);
  access->owner = std::string(access->setting(setting::kOwner).value_or(vault_owner));
  access->acl = private_acl(access->owner);
  if (const auto text = access->setting(setting::kAcl)) {
    auto acl = decode_acl(*text);
    if (!acl) return nullptr;
    access->acl = std::move(*acl);
  }
  if (const auto text = access->setting(setting::kPolicy)) {
    auto policy = Policy::parse(*text, bucket.name);
    // The bucket was renamed at the mount: the policy is about another one. What it denied is not known to be
    // allowed here, so only the owner gets in, to set another.
    if (policy)
      access->policy = std::move(*policy);
    else
      access->owner_only = true;
  }
  if (const auto text = access->setting(setting::kPublicAccessBlock)) {
    const auto block = decode_public_access_block(*text);
    if (!block) return nullptr;
    access->block = *block;
  }
  if (const auto text = access->setting(setting::kOwnership)) {
    const auto ownership = ownership_of(*text);
    if (!ownership) return nullptr;
    access->ownership = *ownership;
  }
  return access;
}

std::optional<ObjectAccess> ObjectAccess::read(const ObjectMetadata& metadata,
                                               const BucketAccess& bucket) {
  ObjectAccess access;
  const auto owner = metadata.properties.find(property::kOwner);
  const bool of_bucket =
      owner == metadata.properties.end() || bucket.ownership == Ownership::BucketOwnerEnforced;
  access.owner = of_bucket ? bucket.owner : owner->second;
  const auto acl = metadata.properties.find(property::kAcl);
  if (acl == metadata.properties.end() || bucket.ownership == Ownership::BucketOwnerEnforced) {
    access.acl = private_acl(access.owner);
    return access;
  }
  auto read = decode_acl(acl->second);
  if (!read) return std::nullopt;
  access.acl = std::move(*read);
  return access;
}

bool may(const AccessQuestion& question) {
  const BucketAccess& bucket = question.bucket;
  const bool owns_bucket = !question.who.anonymous() && question.who.id == bucket.owner;
  if (owns_bucket && is_about_policy(question.action)) return true;
  if (bucket.owner_only) return owns_bucket;
  if (bucket.policy) {
    const auto answer = bucket.policy->evaluate(
        {question.who, question.action, question.resource, question.values, question.answers});
    if (answer == Policy::Answer::Deny) return false;
    const bool restricted =
        bucket.block.restrict_buckets && !owns_bucket && bucket.policy->is_public();
    // A bucket's owner gives away what is his, not what others put there.
    const ObjectAccess* const object = question.object;
    const bool his = object == nullptr || object->under_way || object->owner == bucket.owner;
    if (answer == Policy::Answer::Allow && !restricted && his) return true;
  }
  return by_ownership(question) || by_acl(question);
}

}  // namespace coffer::gateway
