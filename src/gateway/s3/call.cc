#include "gateway/s3/call.h"

#include "gateway/http/date.h"
#include "gateway/s3/operations.h"
#include "gateway/s3/policy_values.h"

namespace coffer::gateway {

void S3Call::be(AccessKey access_key) {
  access_key.secret.clear();
  who.id = access_key.owner.empty() ? service.owner_id : access_key.owner;
  who.name = access_key.name;
  key_scope = std::move(access_key);
}

S3Error S3Call::failure(const Error& error, Subject subject) const {
  if (error.code == Errc::NotFound && subject != Subject::Bucket) {
    const auto found = service.objects.bucket(bucket);
    if (!found && found.error().code == Errc::NotFound) return {S3Code::NoSuchBucket, {}, {}};
  }
  return to_s3_error(error, subject);
}

std::string_view S3Call::action() const {
  const bool of_version = !version().empty() && !operation->version_action.empty();
  return of_version ? operation->version_action : operation->action;
}

S3Error S3Call::missing(const Error& error) const {
  const bool told = error.code != Errc::NotFound || !access ||
                    may_do("s3:ListBucket", AclPermission::Read, nullptr);
  if (!told) return S3Error{S3Code::AccessDenied};
  if (error.code == Errc::InvalidArgument && !version().empty())
    return {S3Code::InvalidArgument, "Invalid version id specified"};
  if (error.code != Errc::NotFound || !access) return failure(error, Subject::Object);
  S3Error absent{version().empty() ? S3Code::NoSuchKey : S3Code::NoSuchVersion};
  if (!versioned()) return absent;
  const auto marker = service.objects.delete_marker(bucket, key, version());
  if (!marker || !*marker) return absent;
  if (!version().empty()) {
    absent.code = S3Code::MethodNotAllowed;
    absent.headers.emplace_back("Allow", "DELETE");
    absent.headers.emplace_back("Last-Modified", format_http_date((*marker)->modified.seconds));
  }
  absent.headers.emplace_back("x-amz-delete-marker", "true");
  absent.headers.emplace_back("x-amz-version-id", (*marker)->version);
  return absent;
}

S3Result<void> S3Call::authorize(const ObjectInfo* object) {
  if (!may_do(action(), operation->acl, object)) return s3_fail(S3Code::AccessDenied);
  authorized = true;
  return {};
}

bool S3Call::may_do(std::string_view action, AclPermission acl, const ObjectInfo* object) const {
  if (!access) return false;
  const bool of_bucket = action == "s3:ListBucket";
  AccessTarget target{*access, bucket, key, object, action, acl};
  if (of_bucket) target.missing_key = std::exchange(target.key, {});
  return may_reach(*this, target);
}

bool allowed(const AccessKey& key, std::string_view bucket, Operation::Effect effect) {
  if (key.read_only && effect == Operation::Effect::Write) return false;
  return key.bucket.empty() || bucket.empty() || key.bucket == bucket;
}

S3Result<std::shared_ptr<const BucketAccess>> bucket_access(S3Service& service,
                                                            std::string_view bucket) {
  auto info = service.objects.bucket(bucket);
  if (!info) {
    if (info.error().code == Errc::NotFound) return std::shared_ptr<const BucketAccess>();
    return s3_fail(to_s3_error(info.error(), Subject::Bucket));
  }
  const std::string name(bucket);
  if (auto known = service.access_cache->get(name);
      known && (*known)->bucket_id == info->inode && (*known)->settings == info->settings)
    return *std::move(known);
  std::size_t cost = 1024;
  for (const auto& [setting, value] : *info->settings) cost += setting.size() + 4 * value.size();
  auto access = BucketAccess::read(*std::move(info), service.owner_id);
  if (!access) return s3_fail(S3Code::InternalError);
  service.access_cache->put(name, access, cost);
  return access;
}

namespace {

std::string initiator_of(const ObjectMetadata& upload, const BucketAccess& bucket) {
  for (const char* const name : {property::kInitiator, property::kOwner}) {
    const auto found = upload.properties.find(name);
    if (found != upload.properties.end()) return found->second;
  }
  return bucket.owner;
}

}  // namespace

bool may_reach(const S3Call& call, const AccessTarget& target) {
  std::optional<ObjectAccess> object;
  if (target.object != nullptr) {
    object = ObjectAccess::read(target.object->metadata, target.access);
    if (!object) return false;
  } else if (target.upload != nullptr) {
    object = ObjectAccess{initiator_of(*target.upload, target.access), {}, true};
  }
  std::string resource(target.bucket);
  if (!target.key.empty()) resource.append("/").append(target.key);
  const ConditionLookup values = [&](std::string_view name) {
    return policy_values(call, name, target);
  };
  return may({call.who, target.access, object ? &*object : nullptr, target.action, resource,
              target.acl, values, target.answers});
}

bool may_reach_upload(const S3Call& call, const UploadInfo& upload, std::string_view action) {
  if (!call.access) return false;
  AccessTarget target{*call.access, call.bucket, call.key, nullptr, action};
  target.upload = &upload.metadata;
  return may_reach(call, target);
}

namespace {

/// Where nothing could let nobody in, his body is not taken either. Operations that ask for themselves have bodies of a few
/// kilobytes but for this one.
bool may_delete_something(const S3Call& call) {
  const BucketAccess& access = *call.access;
  return !call.who.anonymous() || access.policy ||
         acl_allows(access.acl, call.who, AclPermission::Write, PublicGrants::Count);
}

}  // namespace

S3Result<void> let_in(S3Call& call) {
  const Operation& operation = *call.operation;
  call.authorized = false;
  call.access.reset();
  if (!call.bucket.empty()) {
    S3_ASSIGN(call.access, bucket_access(call.service, call.bucket));
  }
  // Who is not known is not told what exists and what is served.
  const bool served = &operation != &kNotImplemented && &operation != &kMethodNotAllowed;
  // A preflight is told the same of a bucket that is not there as of one without rules.
  const bool preflight = &operation == &kPreflight;
  const bool hidden = !served || (!call.access && !preflight && &operation != &kListBuckets);
  if (call.who.anonymous() && hidden) return s3_fail(S3Code::AccessDenied);
  if (!allowed(call.key_scope, call.bucket, operation.effect)) return s3_fail(S3Code::AccessDenied);
  const auto expected = call.head.find("x-amz-expected-bucket-owner");
  if (expected && call.access && *expected != call.access->owner)
    return s3_fail(S3Code::AccessDenied);
  const bool wants_bucket = !call.bucket.empty() && !preflight && &operation != &kCreateBucket;
  if (wants_bucket && !call.access) return s3_fail(S3Code::NoSuchBucket);
  if (&operation == &kDeleteObjects && !may_delete_something(call))
    return s3_fail(S3Code::AccessDenied);
  if (operation.check == Operation::Check::First) S3_TRY(call.authorize(nullptr));
  return {};
}

}  // namespace coffer::gateway
