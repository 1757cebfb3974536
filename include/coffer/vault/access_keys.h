#pragma once
/// AccessKeys: the S3 access keys of a vault, kept as rows of its sealed metadata.
///
/// Threads   everything from any thread; find() is served from memory.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coffer/core/clock.h"
#include "coffer/core/error.h"

namespace coffer {

struct AccessKey {
  std::string id;      // the access key, public: 16..128 of [A-Za-z0-9]
  std::string secret;  // never logged
  std::string name;    // of its owner, for people
  std::string bucket;  // empty: all buckets
  bool read_only = false;
  Timespec created;
  std::string owner = {};  // whose buckets and objects it makes; empty: the vault's own
  std::string email = {};  // by which ACLs may name the owner
};

struct KeyOwner {
  std::string id, name, email;
};

class AccessKeys {
 public:
  virtual ~AccessKeys() = default;
  /// Generates what is empty of id and secret. Exists if the id is taken. Durable on return.
  virtual Result<AccessKey> add(AccessKey key) = 0;
  virtual Result<void> remove(std::string_view id) = 0;  // NotFound
  virtual std::optional<AccessKey> find(std::string_view id) = 0;
  virtual std::vector<AccessKey> list() = 0;
  /// Of some key of that owner. Looks at all keys: for what shows or sets ACLs, not for every request.
  virtual std::optional<KeyOwner> find_owner(std::string_view id) = 0;
  virtual std::optional<KeyOwner> find_owner_by_email(std::string_view email) = 0;
};

}  // namespace coffer
