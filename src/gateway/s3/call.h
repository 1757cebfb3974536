#pragma once
/// S3Service, S3Call, Operation: what every operation works with.
///
/// Owns      S3Service is shared by all requests of one gateway and borrows the vault; an S3Call lives as
///           long as its request.
/// Threads   S3Service: constant after start, or synchronised by itself. An S3Call: one thread at a time.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/lru_cache.h"
#include "coffer/vault/access_keys.h"
#include "coffer/vault/objects.h"
#include "gateway/auth/access.h"
#include "gateway/auth/sigv4.h"
#include "gateway/http/percent.h"
#include "gateway/http/reply.h"
#include "gateway/http/request_head.h"
#include "gateway/s3/error_code.h"
#include "gateway/s3/s3_error.h"

namespace coffer::gateway {

struct S3Service {
  Objects& objects;
  AccessKeys& access_keys;
  std::string region;
  std::vector<std::string> domains;
  std::string owner_id;
  Durability durability = Durability::Synced;
  std::function<Result<void>()> sync;  // makes durable what was changed with Durability::Relaxed
  std::function<void()> after_change;
  /// What was parsed of buckets' settings, by bucket; good while the vault shows the same settings.
  std::shared_ptr<LruCache<std::string, std::shared_ptr<const BucketAccess>>> access_cache =
      std::make_shared<LruCache<std::string, std::shared_ptr<const BucketAccess>>>(
          kAccessCacheBytes, 4);
  static constexpr std::size_t kAccessCacheBytes = std::size_t{8} << 20;
  std::shared_ptr<std::atomic<int>> long_copies = std::make_shared<std::atomic<int>>(0);
  std::int64_t lifecycle_day_s = 86'400;  // less for tests
};

struct Operation;

struct S3Call {
  S3Service& service;
  const RequestHead& head;
  QueryParameters query;
  std::string bucket;
  std::string key;
  const Operation* operation = nullptr;
  SignedRequest signature;
  AccessKey key_scope = {};  // without its secret; empty for who is anonymous
  Principal who = {};
  std::shared_ptr<const BucketAccess> access = {};  // of the bucket; null: there is none
  bool authorized = false;
  std::optional<std::map<std::string, std::string>> tags_in_body =
      {};  // that the request would set

  [[nodiscard]] std::string_view header(std::string_view name) const {
    return head.value_or(name, {});
  }
  /// `true` as the API has it, and `True` as older SDKs write it.
  [[nodiscard]] bool header_says_true(std::string_view name) const {
    const std::string_view value = header(name);
    return value == "true" || value == "True";
  }
  [[nodiscard]] std::string_view parameter(std::string_view name) const {
    return query.value_or(name, {});
  }
  /// Of the version that is asked for; empty: the current one.
  [[nodiscard]] std::string_view version() const { return parameter("versionId"); }
  /// Do objects of the bucket have versions, or did they once?
  [[nodiscard]] bool versioned() const {
    return access && access->setting(kVersioningSetting).has_value();
  }
  /// Of the operation, in policies.
  [[nodiscard]] std::string_view action() const;
  /// Asked with this key.
  void be(AccessKey access_key);
  /// The vault's error in S3's words; tells an absent bucket from an absent key.
  [[nodiscard]] S3Error failure(const Error& error, Subject subject) const;
  /// As failure() for an object or version that was looked for: who may not list is not told that it is absent.
  [[nodiscard]] S3Error missing(const Error& error) const;
  /// May the operation be done on this object, or (null) on the bucket or a new key? AccessDenied if not.
  S3Result<void> authorize(const ObjectInfo* object);
  /// The same for another action on the same bucket and key. @pre access, else no
  [[nodiscard]] bool may_do(std::string_view action, AclPermission acl,
                            const ObjectInfo* object) const;
  /// Call after a change, before it is answered.
  void changed() const {
    if (service.after_change) service.after_change();
  }
};

struct BodyProof;

/// A body on its way into the vault. Destroyed before commit() returned well: nothing of it remains.
class Upload {
 public:
  explicit Upload(std::unique_ptr<ObjectWriter> object_writer) : writer(std::move(object_writer)) {}
  virtual ~Upload() = default;
  virtual S3Result<Reply> commit(const S3Call& call, const BodyProof& proof) = 0;
  std::unique_ptr<ObjectWriter> writer;
};

/// One S3 operation; each has its file, which defines one of these (operations.h).
struct Operation {
  enum class Effect { Read, Write };
  enum class Checksums { OfBody, OfObject };  // what x-amz-checksum-* headers are about

  /// Who asks authorize(): the handler, before the operation runs; or the operation, once it has the object whose
  /// ACL counts. The handler answers nothing good of an operation that did not ask.
  enum class Check { First, Itself };

  std::string_view name;
  Effect effect = Effect::Read;
  Check check = Check::First;
  std::string_view action = {};          // in policies: "s3:GetObject"
  std::string_view version_action = {};  // the same of a version that was asked for by its id
  AclPermission acl = AclPermission::None;
  /// Exactly one of the three. `run` answers from the head, `run_body` from a body of at most
  /// body_bytes_max, `open` takes a body of any length.
  S3Result<Reply> (*run)(S3Call&) = nullptr;
  S3Result<Reply> (*run_body)(S3Call&, std::string_view body) = nullptr;
  S3Result<std::unique_ptr<Upload>> (*open)(S3Call&) = nullptr;
  std::size_t body_bytes_max = 0;
  Checksums checksums = Checksums::OfBody;
};

/// What a key may do: everything, one bucket, reading only.
bool allowed(const AccessKey& key, std::string_view bucket, Operation::Effect effect);

inline constexpr std::size_t kKeyBytesMax = 1024;

/// Finds the bucket and asks what is to be asked before the operation runs. Who was let in at the head is asked once more
/// when the body is there; then nothing of the first answer counts.
S3Result<void> let_in(S3Call& call);

/// The settings of a bucket that matter for access. Null: there is no such bucket.
S3Result<std::shared_ptr<const BucketAccess>> bucket_access(S3Service& service,
                                                            std::string_view bucket);

/// One action on one bucket or key, whichever the call is about.
struct AccessTarget {
  const BucketAccess& access;
  std::string_view bucket, key;
  const ObjectInfo* object = nullptr;
  std::string_view action;
  AclPermission acl = AclPermission::None;
  std::string_view missing_key = {};       // of a bucket that is asked whether it may be listed
  const ObjectMetadata* upload = nullptr;  // that it is about, instead of an object
  ConditionAnswers* answers = nullptr;     // PolicyQuestion's
};
bool may_reach(const S3Call& call, const AccessTarget& target);

/// May this be done with an upload under way? It is its initiator's and the bucket's owner's, and whose a policy allows it.
bool may_reach_upload(const S3Call& call, const UploadInfo& upload, std::string_view action);

}  // namespace coffer::gateway
