#pragma once
/// S3Service, S3Call, Operation: what every operation works with.
///
/// Owns      S3Service is shared by all requests of one gateway and borrows the vault; an S3Call lives as
///           long as its request.
/// Threads   S3Service: constant after start, or synchronised by itself. An S3Call: one thread at a time.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/vault/access_keys.h"
#include "coffer/vault/objects.h"
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
  AccessKey who;  // without its secret

  [[nodiscard]] std::string_view header(std::string_view name) const {
    return head.value_or(name, {});
  }
  [[nodiscard]] std::string_view parameter(std::string_view name) const {
    return query.value_or(name, {});
  }
  /// The vault's error in S3's words; tells an absent bucket from an absent key.
  [[nodiscard]] S3Error failure(const Error& error, Subject subject) const;
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

  std::string_view name;
  Effect effect = Effect::Read;
  /// Exactly one of the three. `run` answers from the head, `run_body` from a body of at most
  /// body_bytes_max, `open` takes a body of any length.
  S3Result<Reply> (*run)(S3Call&) = nullptr;
  S3Result<Reply> (*run_body)(S3Call&, std::string_view body) = nullptr;
  S3Result<std::unique_ptr<Upload>> (*open)(S3Call&) = nullptr;
  std::size_t body_bytes_max = 0;
  Checksums checksums = Checksums::OfBody;
};

/// What a key may do: everything, one bucket, reading only.
bool allowed(const AccessKey& who, std::string_view bucket, Operation::Effect effect);

}  // namespace coffer::gateway
